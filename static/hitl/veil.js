/* Blur or take the colour from evidence: one switch (key v) for the case that is open.
 *   data-veil-switch="blur|grey"   the button; aria-pressed says whether the veil is on
 * Delegated, so that a case that replaced another in the page has it too. */

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-veil-switch]");
  if (!button) return;
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  const side = button.closest("[data-veil-side]") ?? document.querySelector("[data-veil-side]");
  side?.classList.toggle(`veil-${button.dataset.veilSwitch}`, on);
});
