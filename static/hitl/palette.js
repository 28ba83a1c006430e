/* Ctrl+K: every command and page by name. The list is read from the markup, so nothing is described twice:
 *   [data-key]           commands and places of this page, with their keys
 *   [data-key-choice]    answers
 *   .places a, .menu a   pages
 * A combobox (ARIA APG): focus stays in the field, arrows choose, Enter does it, Escape closes.
 */
const dialog = document.getElementById("palette");
const input = document.getElementById("palette-input");
const list = document.getElementById("palette-list");
let entries = [];
let shown = [];
let active = 0;
let back = null;

/** An element's words without the keys printed in it. */
function wordsOf(element) {
  const copy = element.cloneNode(true);
  copy.querySelectorAll("kbd, small, .sr").forEach((part) => part.remove());
  return (element.getAttribute("aria-label") ?? copy.textContent).replace(/\s+/g, " ").trim();
}

function labelOf(field) {
  return field.labels?.[0] ? wordsOf(field.labels[0]) || field.labels[0].textContent.trim() : field.placeholder;
}

const usable = (element) => !element.disabled && element.checkVisibility() && !dialog.contains(element);

function collect() {
  const kinds = dialog.dataset;
  const found = new Map();
  const add = (text, kind, key, run) => {
    if (text && !found.has(text)) found.set(text, { text, kind, key, run });
  };
  for (const choice of document.querySelectorAll("input[data-key-choice]")) {
    if (!usable(choice)) continue;
    add(wordsOf(choice.closest("label").querySelector("span") ?? choice.closest("label")), kinds.textAnswer, choice.dataset.keyChoice, () => choice.click());
  }
  for (const element of document.querySelectorAll("[data-key]")) {
    if (!usable(element) || element.closest(".places")) continue;
    const field = element.matches("input:not([type=submit]), textarea, select");
    add(field ? labelOf(element) : wordsOf(element), kinds.textCommand, element.dataset.key, () => {
      if (field) element.focus();
      else element.click();
    });
  }
  for (const link of document.querySelectorAll(".places a, .menu a, .menu button")) {
    add(wordsOf(link), kinds.textPage, link.dataset.key ?? "", () => link.click());
  }
  return [...found.values()];
}

/** How well `query` fits: letters in order; runs and beginnings of words count more. Null: not at all. */
export function fit(query, text) {
  const wanted = query.toLowerCase().replace(/\s+/g, "");
  const within = text.toLowerCase();
  let score = 0;
  let place = -1;
  for (const letter of wanted) {
    const next = within.indexOf(letter, place + 1);
    if (next < 0) return null;
    score += next === place + 1 ? 3 : /[\s-]/.test(within[next - 1] ?? " ") ? 2 : 0;
    score -= (next - place - 1) / 20;
    place = next;
  }
  return score;
}

function mark(number) {
  const options = [...list.children];
  options[active]?.setAttribute("aria-selected", "false");
  active = options.length ? (number + options.length) % options.length : 0;
  const option = options[active];
  if (!option) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", option.id);
}

function optionOf(entry, number) {
  const option = document.createElement("div");
  option.id = `palette-option-${number}`;
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  const text = document.createElement("span");
  text.textContent = entry.text;
  const kind = document.createElement("span");
  kind.className = "quiet small";
  kind.textContent = entry.kind;
  option.append(text, kind);
  for (const name of entry.key ? entry.key.split(" ") : []) {
    const key = document.createElement("kbd");
    key.textContent = name === "Enter" ? "↵" : name.replace("+", " ");
    option.append(key);
  }
  option.addEventListener("click", () => take(number));
  return option;
}

function filter() {
  const query = input.value.trim();
  // Answers come up only when they are asked for: an open palette must not hold one out.
  shown = entries
    .filter(({ kind }) => query || kind !== dialog.dataset.textAnswer)
    .map((entry) => ({ entry, score: query ? fit(query, entry.text) : 0 }))
    .filter(({ score }) => score !== null)
    .sort((a, b) => b.score - a.score)
    .map(({ entry }) => entry);
  list.replaceChildren(...shown.map(optionOf));
  list.hidden = !shown.length;
  input.setAttribute("aria-expanded", String(shown.length > 0));
  dialog.querySelector(".palette-none").hidden = shown.length > 0;
  const live = document.getElementById("live");
  if (live && query) live.textContent = shown.length ? `${shown.length} ${dialog.dataset.textFound}` : dialog.dataset.textNone;
  active = 0;
  mark(0);
}

function take(number) {
  const entry = shown[number];
  if (!entry) return;
  dialog.close();
  entry.run();
}

function open() {
  entries = collect();
  back = document.activeElement;
  input.value = "";
  if (!dialog.open) dialog.showModal();
  filter();
  input.focus();
}

const MOVES = {
  ArrowDown: () => mark(active + 1),
  ArrowUp: () => mark(active - 1),
  Home: () => mark(0),
  End: () => mark(-1),
  Enter: () => take(active),
};

if (dialog) {
  input.addEventListener("input", filter);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || !MOVES[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    MOVES[event.key]();
  });
  dialog.addEventListener("close", () => {
    if (back?.isConnected && document.activeElement === document.body) back.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    if (document.body.dataset.keys === "off" || document.querySelector("dialog[open]:not(#palette)")) return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest('[data-opens="palette"]')) open();
  });
}
