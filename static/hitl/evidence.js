/* Evidence under the reader's hands: zoom, and marks in text, images and fields.
 *   [data-picture="/pointer"]   a figure with .viewport > .sheet; data-zoom is its step; + and − zoom, arrows scroll
 *   [data-text="/pointer"][data-offset]   text that can be marked, in characters from its beginning
 *   [data-mark-field="/pointer"]          a button that marks one value
 *   [data-expand], [data-collapse]        open or close a whole tree
 */
import { mark } from "./judging.js";

const STEPS = 6;
const SVG = "http://www.w3.org/2000/svg";
const characters = (text) => [...text].length;
const clamp = (value) => Math.min(1, Math.max(0, value));
const rounded = (value) => Math.round(value * 10000) / 10000;

function zoom(figure, step) {
  const now = Number(figure.dataset.zoom), next = Math.min(STEPS, Math.max(1, step === 0 ? 1 : now + step));
  figure.dataset.zoom = next;
  figure.querySelector("[data-zoom-said]").textContent = `${[100, 150, 200, 300, 400, 800][next - 1]} %`;
}

document.addEventListener("keydown", (event) => {
  const figure = event.target.closest?.(".viewport")?.closest("[data-picture]");
  const step = { "+": 1, "=": 1, "-": -1, "−": -1 }[event.key];
  if (!figure || !step || event.ctrlKey || event.metaKey) return;
  zoom(figure, step);
  event.preventDefault();
});

/* --- regions -------------------------------------------------------------------------------------------------- */

function rect(region, name) {
  const drawn = document.createElementNS(SVG, "rect");
  for (const [attribute, side] of [["x", "x"], ["y", "y"], ["width", "w"], ["height", "h"]]) drawn.setAttribute(attribute, region[side]);
  drawn.setAttribute("class", name);
  return drawn;
}

function share(sheet, event) {
  const box = sheet.getBoundingClientRect();
  return { x: clamp((event.clientX - box.x) / box.width), y: clamp((event.clientY - box.y) / box.height) };
}

function between(a, b) {
  return {
    x: rounded(Math.min(a.x, b.x)), y: rounded(Math.min(a.y, b.y)),
    w: rounded(Math.abs(a.x - b.x)), h: rounded(Math.abs(a.y - b.y)),
  };
}

document.addEventListener("pointerdown", (event) => {
  const figure = event.target.closest?.("[data-picture][data-drawing]"), sheet = event.target.closest?.(".sheet");
  if (!figure || !sheet || event.button) return;
  event.preventDefault();
  const from = share(sheet, event), layer = sheet.querySelector(".mine");
  const draft = rect({ ...from, w: 0, h: 0 }, "drawing");
  layer.append(draft);
  sheet.setPointerCapture(event.pointerId);
  const drag = (moved) => {
    const region = between(from, share(sheet, moved));
    draft.setAttribute("x", region.x);
    draft.setAttribute("y", region.y);
    draft.setAttribute("width", region.w);
    draft.setAttribute("height", region.h);
  };
  sheet.addEventListener("pointermove", drag);
  sheet.addEventListener("pointerup", (ended) => {
    sheet.removeEventListener("pointermove", drag);
    draft.remove();
    const region = between(from, share(sheet, ended));
    if (region.w > 0.005 && region.h > 0.005) mark("regions", { pointer: figure.dataset.picture, ...region });
  }, { once: true });
});

function addByNumbers(form) {
  const figure = form.closest("[data-picture]");
  const [x, y, w, h] = [...form.querySelectorAll("input")].map((input) => Number(input.value) / 100);
  const fits = [x, y, w, h].every((side) => side >= 0 && side <= 1) && w > 0 && h > 0 && x + w <= 1.0001 && y + h <= 1.0001;
  form.querySelector("[data-invalid]").hidden = fits;
  if (fits) mark("regions", { pointer: figure.dataset.picture, x, y, w, h });
}

/* --- text ----------------------------------------------------------------------------------------------------- */

/** Where in its text a point of the page lies, in characters. */
function offsetIn(part, node, at) {
  const before = document.createRange();
  before.setStart(part, 0);
  before.setEnd(node, at);
  return Number(part.dataset.offset) + characters(before.toString());
}

function markSelection() {
  const selection = document.getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return false;
  const range = selection.getRangeAt(0);
  const part = (range.commonAncestorContainer.closest?.("[data-text]")) ?? range.commonAncestorContainer.parentElement?.closest("[data-text]");
  if (!part) return false;
  const start = offsetIn(part, range.startContainer, range.startOffset);
  const end = offsetIn(part, range.endContainer, range.endOffset);
  if (start < end) mark("spans", { pointer: part.dataset.text, start, end });
  selection.removeAllRanges();
  return true;
}

function markWords(form) {
  const input = form.querySelector("input"), words = input.value.trim();
  const parts = [...form.closest("[data-block]").querySelectorAll("[data-text]")];
  const part = words && parts.find((one) => one.textContent.includes(words));
  form.querySelector("[data-invalid]").hidden = Boolean(part);
  if (!part) return;
  const start = Number(part.dataset.offset) + characters(part.textContent.slice(0, part.textContent.indexOf(words)));
  mark("spans", { pointer: part.dataset.text, start, end: start + characters(words) });
  input.value = "";
}

/** The node and place of a character, for painting. */
function place(part, offset) {
  const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
  let left = offset - Number(part.dataset.offset);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const all = [...node.data];
    if (left <= all.length) return [node, all.slice(0, left).join("").length];
    left -= all.length;
  }
  return null;
}

function paintSpans(spans) {
  if (!globalThis.CSS?.highlights) return; // the list of marks says the same
  const ranges = spans.flatMap(({ pointer, start, end }) => [...document.querySelectorAll("[data-text]")].flatMap((part) => {
    const low = Number(part.dataset.offset), high = low + characters(part.textContent);
    if (part.dataset.text !== pointer || end <= low || start >= high) return [];
    const from = place(part, Math.max(start, low)), to = place(part, Math.min(end, high));
    if (!from || !to) return [];
    const range = document.createRange();
    range.setStart(...from);
    range.setEnd(...to);
    return [range];
  }));
  CSS.highlights.set("mine", new Highlight(...ranges));
}

document.addEventListener("hitl:marks", ({ detail }) => {
  paintSpans(detail.spans);
  for (const figure of document.querySelectorAll("[data-picture]")) {
    const own = detail.regions.filter((region) => region.pointer === figure.dataset.picture);
    figure.querySelector(".mine")?.replaceChildren(...own.map((region) => rect(region, "own")));
  }
  for (const button of document.querySelectorAll("[data-mark-field]")) {
    button.setAttribute("aria-pressed", String(detail.fields.includes(button.dataset.markField)));
  }
});

/* --- buttons -------------------------------------------------------------------------------------------------- */

const BUTTONS = {
  "[data-zoom-step]": (button) => zoom(button.closest("[data-picture]"), Number(button.dataset.zoomStep)),
  "[data-draw]": (button) => {
    const on = button.closest("[data-picture]").toggleAttribute("data-drawing");
    button.setAttribute("aria-pressed", String(on));
  },
  "[data-add-region]": (button) => addByNumbers(button.closest("[data-by-numbers]")),
  "[data-mark-selection]": (button) => {
    if (markSelection()) return;
    const fold = button.closest("[data-block]").querySelector("[data-by-words]");
    fold.open = true;
    fold.querySelector("input").focus();
  },
  "[data-add-words]": (button) => markWords(button.closest("[data-by-words]")),
  "[data-mark-field]": (button) => mark("fields", button.dataset.markField),
  "[data-expand]": (button) => button.closest("[data-block]").querySelectorAll(".tree details").forEach((d) => { d.open = true; }),
  "[data-collapse]": (button) => button.closest("[data-block]").querySelectorAll(".tree details").forEach((d) => { d.open = false; }),
};

document.addEventListener("click", (event) => {
  for (const [selector, does] of Object.entries(BUTTONS)) {
    const button = event.target.closest?.(selector);
    if (button) does(button);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches?.("[data-by-words] input, [data-by-numbers] input")) return;
  event.preventDefault();
  event.target.closest("[data-by-words], [data-by-numbers]").querySelector("button").click();
});

// A selection must outlive the press on the button that marks it.
document.addEventListener("pointerdown", (event) => {
  if (event.target.closest?.("[data-mark-selection]")) event.preventDefault();
});

/* An image that cannot be decoded says so. */
document.addEventListener("error", ({ target }) => {
  const figure = target instanceof HTMLImageElement && target.closest("[data-picture]");
  if (!figure) return;
  figure.querySelector("[data-broken]").hidden = false;
  figure.querySelector(".viewport").hidden = true;
}, { capture: true });
for (const image of document.querySelectorAll("[data-picture] img")) {
  if (image.complete && !image.naturalWidth) image.dispatchEvent(new Event("error"));
}
