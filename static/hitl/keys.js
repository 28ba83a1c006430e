/* One keyboard for all pages, read from the markup:
 *   data-key="c"        press c: click this button or link, toggle this <summary>, focus this field
 *   data-key="g w"      press g, then w
 *   data-key-choice="1" press 1: choose this radio button
 *   data-opens="help"   clicking opens the <dialog> with this id
 *   data-list           j and k move between the links marked data-item inside
 *   data-block          [ and ] move between evidence; e opens and closes what is folded in it
 * <body data-keys="off"> switches every shortcut off (WCAG 2.1.4).
 */
const SEQUENCE_MS = 1200;
const TYPING = 'textarea, select, [contenteditable], input:not([type="radio"], [type="checkbox"], [type="button"], [type="submit"])';
let prefix = "";
let prefixTimer = 0;

// A place is reached by its key also while its menu is closed.
const visible = (element) => !element.disabled && (element.checkVisibility() || element.closest(".places"));

function find(key) {
  return [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(visible);
}

function act(element) {
  if (element.matches("input:not([type=submit]), textarea, select")) {
    element.focus();
    return;
  }
  element.click();
  const fold = element.closest("summary")?.parentElement;
  if (fold?.open) fold.querySelector("textarea, select, input:not([type=hidden])")?.focus();
}

function choose(digit) {
  const input = document.querySelector(`input[data-key-choice="${digit}"]:not(:disabled)`);
  if (!input) return false;
  input.checked = input.type === "checkbox" ? !input.checked : true;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  input.focus();
  return true;
}

/** Moves focus by `step` within `items`; starts at the first one. */
function move(items, step) {
  if (!items.length) return false;
  const here = items.findIndex((item) => item.contains(document.activeElement));
  const next = here < 0 ? 0 : Math.min(items.length - 1, Math.max(0, here + step));
  items[next].focus();
  items[next].scrollIntoView({ block: "nearest" });
  return true;
}

function toggleDetails() {
  const folds = [...document.querySelectorAll("[data-block] details, details[data-block]")];
  const open = folds.some((fold) => !fold.open);
  folds.forEach((fold) => { fold.open = open; });
  return folds.length > 0;
}

/** Ticks or unticks the row that has the focus. */
function chooseRow() {
  const box = document.activeElement.closest("[data-list] > *")?.querySelector('input[type="checkbox"]');
  box?.click();
  return Boolean(box);
}

const MOVES = {
  j: () => move([...document.querySelectorAll("[data-list] [data-item]")], 1),
  k: () => move([...document.querySelectorAll("[data-list] [data-item]")], -1),
  "]": () => move([...document.querySelectorAll("[data-block]")], 1),
  "[": () => move([...document.querySelectorAll("[data-block]")], -1),
  e: toggleDetails,
  x: chooseRow,
};

function nameOf(event) {
  if (event.shiftKey && /^[a-z]$/i.test(event.key)) return `Shift+${event.key.toUpperCase()}`;
  return event.key;
}

/** The key as part of a sequence: "w" after "g" is "g w". */
function withPrefix(name) {
  clearTimeout(prefixTimer);
  const full = prefix ? `${prefix} ${name}` : name;
  prefix = "";
  if (full === "g") {
    prefix = "g";
    prefixTimer = setTimeout(() => { prefix = ""; }, SEQUENCE_MS);
  }
  return full;
}

function isOurs(event) {
  if (document.body.dataset.keys === "off" || event.defaultPrevented) return false;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return false;
  return !document.querySelector("dialog[open]");
}

document.addEventListener("keydown", (event) => {
  if (!isOurs(event)) return;
  if (event.target.closest(TYPING)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  const key = withPrefix(nameOf(event));
  const target = find(key);
  if (target) act(target);
  else if (!(/^\d$/.test(key) ? choose(key) : MOVES[key]?.())) return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
