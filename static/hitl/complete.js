/* Suggestions while a rule is written, from the reference that stands on the page.
 *   <textarea data-complete="reference">   completes from #reference
 *   [data-term="context.amount"][data-kind="number"]   one suggestion, described by its <dd>
 * Focus stays in the field (aria-activedescendant): arrows choose, Enter takes, Escape closes, Ctrl+Space opens all.
 * Without this script the reference is read instead.
 */
const MOST = 30;
let field = null;
let list = null;
let options = [];
let active = -1;

/** What is being written before the caret: a name, a path, or a text's beginning. */
function wordAt(textarea) {
  const before = textarea.value.slice(0, textarea.selectionStart);
  return /(?:[A-Za-z_][\w.]*|\.\w*|"\w*)$/.exec(before)?.[0] ?? "";
}

function matching(textarea, all) {
  const word = wordAt(textarea).toLowerCase();
  const terms = [...document.getElementById(textarea.dataset.complete).querySelectorAll("[data-term]")];
  if (!word) return all ? terms.slice(0, MOST) : [];
  const starts = (term) => term.dataset.term.toLowerCase().startsWith(word);
  const tail = word.includes(".") ? word.slice(word.lastIndexOf(".")) : word;
  const inside = (term) => term.dataset.term.toLowerCase().includes(tail) || (all && term.textContent.toLowerCase().includes(word));
  const found = [...terms.filter(starts), ...terms.filter((term) => !starts(term) && word.length > 1 && inside(term))];
  return found.filter((term) => term.dataset.term.toLowerCase() !== word).slice(0, MOST);
}

function close() {
  if (!field) return;
  list?.remove();
  field.removeAttribute("aria-activedescendant");
  field.removeAttribute("aria-controls");
  [field, list, options, active] = [null, null, [], -1];
}

function option(term, number) {
  const item = document.createElement("div");
  item.id = `${field.id}-option-${number}`;
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "false");
  const code = document.createElement("code");
  code.textContent = term.dataset.term;
  const about = document.createElement("span");
  about.textContent = `${term.dataset.kind} · ${term.querySelector("dd").textContent}`;
  item.append(code, about);
  item.addEventListener("pointerdown", (event) => { event.preventDefault(); take(number); });
  return item;
}

function open(textarea, all) {
  close();
  const terms = matching(textarea, all);
  const source = document.getElementById(textarea.dataset.complete);
  const live = document.getElementById("live");
  if (!terms.length) {
    if (all && live) live.textContent = source.dataset.textNone;
    return;
  }
  field = textarea;
  list = document.createElement("div");
  list.id = `${field.id}-suggestions`;
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", source.querySelector("h2").textContent);
  options = terms.map((term, number) => ({ text: term.dataset.term, item: option(term, number) }));
  list.append(...options.map(({ item }) => item));
  field.after(list);
  field.setAttribute("aria-controls", list.id);
  if (live) live.textContent = `${terms.length} ${source.dataset.textFound}`;
}

function choose(number) {
  options[active]?.item.setAttribute("aria-selected", "false");
  active = (number + options.length) % options.length;
  const { item } = options[active];
  item.setAttribute("aria-selected", "true");
  item.scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", item.id);
}

function take(number) {
  const textarea = field;
  const word = wordAt(textarea);
  const text = options[number].text;
  // Functions of a value keep what stands before their dot.
  const start = textarea.selectionStart - (text.startsWith(".") ? word.length - word.lastIndexOf(".") : word.length);
  close();
  textarea.setRangeText(text, start, textarea.selectionStart, "end");
  textarea.focus();
  textarea.dispatchEvent(new Event("input", { bubbles: true }));
  close();
}

const MOVES = {
  ArrowDown: () => choose(active + 1),
  ArrowUp: () => choose(active < 0 ? options.length - 1 : active - 1),
  Enter: () => take(active),
  Escape: close,
};

document.addEventListener("keydown", (event) => {
  const textarea = event.target.closest?.("[data-complete]");
  if (!textarea || event.isComposing) return;
  if (event.ctrlKey && event.code === "Space") {
    event.preventDefault();
    open(textarea, true);
  } else if (field === textarea && MOVES[event.key] && (event.key !== "Enter" || active >= 0)) {
    event.preventDefault();
    event.stopPropagation();
    MOVES[event.key]();
  }
}, true);
document.addEventListener("input", (event) => {
  if (event.target.matches?.("[data-complete]")) open(event.target, false);
});
document.addEventListener("focusout", (event) => {
  if (event.target === field) close();
});
document.addEventListener("focusin", (event) => {
  if (!event.target.matches?.("[data-complete]")) return;
  event.target.setAttribute("aria-autocomplete", "list");
  event.target.setAttribute("aria-haspopup", "listbox");
});
