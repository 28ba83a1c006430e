/* What the decision form does in the browser. Without it the form still works; the server checks everything.
 *   [data-reasons]      while it is open and focused, digits choose what mattered: w, 2
 *   [data-exclusive]    labels that stand alone in a set of labels
 *   [data-text-edit]    shows what an edit changes
 *   [data-marks]        the reviewer's marks in the evidence, kept as JSON in [name=rationale_marks]
 */
const KINDS = ["spans", "regions", "fields"];
const WORD = /[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu;
const WORDS_MAX = 1500; // the table below has words × words cells

document.addEventListener("keydown", (event) => {
  const reasons = event.target.closest?.("div[data-reasons], [data-reasons][open]");
  if (!reasons || !/^\d$/.test(event.key) || document.body.dataset.keys === "off") return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const input = reasons.querySelector(`[data-reason-key="${event.key}"]`);
  if (!input) return;
  input.checked = true;
  input.focus();
  input.dispatchEvent(new Event("change", { bubbles: true }));
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });

document.addEventListener("change", ({ target }) => {
  const set = target.closest?.("[data-exclusive]");
  if (!set || target.name !== "label" || !target.checked) return;
  const alone = set.dataset.exclusive.split(" ").filter(Boolean);
  const isAlone = alone.includes(target.value);
  for (const other of set.querySelectorAll("[name=label]:checked")) {
    if (other !== target && (isAlone || alone.includes(other.value))) other.checked = false;
  }
});

/* --- an edit, word by word ------------------------------------------------------------------------------------ */

/** Pairs of [kind, text]: "same", "del", "ins". Longest common subsequence of words. */
function differences(before, after) {
  const a = before.match(WORD) ?? [], b = after.match(WORD) ?? [];
  if (before === after) return [];
  if (a.length > WORDS_MAX || b.length > WORDS_MAX) return [["del", before], ["ins", after]];
  const width = b.length + 1, length = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * width + j] = a[i] === b[j] ? length[(i + 1) * width + j + 1] + 1
        : Math.max(length[(i + 1) * width + j], length[i * width + j + 1]);
    }
  }
  const found = [];
  const add = (kind, text) => {
    if (found.at(-1)?.[0] === kind) found.at(-1)[1] += text;
    else found.push([kind, text]);
  };
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { add("same", a[i++]); j++; }
    else if (j >= b.length || (i < a.length && length[(i + 1) * width + j] >= length[i * width + j + 1])) add("del", a[i++]);
    else add("ins", b[j++]);
  }
  return found;
}

/** Long unchanged stretches are shortened to their ends. */
const short = (text) => (text.length > 60 ? `${text.slice(0, 25)} … ${text.slice(-25)}` : text);

function showChanges(edit) {
  const out = edit.querySelector("[data-changes]");
  const parts = differences(edit.querySelector("[data-given]").value, edit.querySelector("[name=text]").value);
  if (!parts.length) return out.replaceChildren(out.dataset.none);
  const nodes = parts.map(([kind, text]) => {
    if (kind === "same") return short(text);
    const node = document.createElement(kind);
    node.textContent = text;
    return node;
  });
  out.replaceChildren(`${out.dataset.label} `, ...nodes);
}

document.addEventListener("input", ({ target }) => {
  const edit = target.closest?.("[data-text-edit]");
  if (edit) showChanges(edit);
});

/* --- marks ---------------------------------------------------------------------------------------------------- */

const field = () => document.querySelector("[name=rationale_marks]");

/** The marks made so far: {spans, regions, fields}. */
export function marks() {
  let read = {};
  try {
    read = JSON.parse(field()?.value || "{}");
  } catch { /* somebody else's draft: no marks */ }
  return Object.fromEntries(KINDS.map((kind) => [kind, Array.isArray(read[kind]) ? read[kind] : []]));
}

function keep(found) {
  const kept = Object.fromEntries(Object.entries(found).filter(([, list]) => list.length));
  field().value = Object.keys(kept).length ? JSON.stringify(kept) : "";
  field().dispatchEvent(new Event("input", { bubbles: true }));
  showMarks();
}

/** Adds a mark; a field marked twice is unmarked. */
export function mark(kind, what) {
  if (!field()) return;
  const found = marks(), same = found[kind].findIndex((other) => JSON.stringify(other) === JSON.stringify(what));
  if (same < 0) found[kind].push(what);
  else if (kind === "fields") found[kind].splice(same, 1);
  keep(found);
}

/** The characters `start` to `end` of the text at a pointer, as it is on the page. */
function quote({ pointer, start, end }) {
  const parts = [...document.querySelectorAll("[data-text]")].filter((part) => part.dataset.text === pointer);
  return [...parts.map((part) => part.textContent).join("")].slice(start, end).join("");
}

const percent = (share) => `${Math.round(share * 100)} %`;

function nameOf(kind, what, box) {
  if (kind === "spans") return `“${short(quote(what))}”`;
  if (kind === "regions") return `${box.dataset.textRegion}: ${[what.x, what.y, what.w, what.h].map(percent).join(", ")}`;
  const button = [...document.querySelectorAll("[data-mark-field]")].find((b) => b.dataset.markField === what);
  return button?.dataset.name ?? what;
}

export function showMarks() {
  const box = document.querySelector("[data-marks]");
  const found = marks();
  if (box) {
    const items = KINDS.flatMap((kind) => found[kind].map((what, place) => item(kind, what, place, box)));
    box.querySelector("ul").replaceChildren(...items);
    box.hidden = !items.length;
  }
  document.dispatchEvent(new CustomEvent("hitl:marks", { detail: found }));
}

function item(kind, what, place, box) {
  const line = document.createElement("li"), words = document.createElement("span"), button = document.createElement("button");
  words.textContent = nameOf(kind, what, box);
  button.type = "button";
  button.className = "btn link";
  button.textContent = box.dataset.textRemove;
  button.setAttribute("aria-label", `${box.dataset.textRemove}: ${words.textContent}`);
  button.addEventListener("click", () => {
    const found = marks();
    found[kind].splice(place, 1);
    keep(found);
  });
  line.append(words, button);
  return line;
}

function refresh() {
  document.querySelectorAll("[data-text-edit]").forEach(showChanges);
  showMarks();
}

document.addEventListener("htmx:afterSettle", refresh);
queueMicrotask(refresh); // after drafts are back and evidence.js listens
