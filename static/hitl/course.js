/* What a person does on the page of a case, for the course of the judgement: kinds and times, never what is typed.
 * Reported in small batches; a judgement never waits for it, and what cannot be sent is dropped in the end.
 * Other scripts add theirs: document.dispatchEvent(new CustomEvent("hitl:did", { detail: { kind, about } })).
 */
const EVERY_MS = 5000;
const MOST_WAITING = 200;
const BATCH = 50;
let claim = "";
let since = 0;
let waiting = [];
let seen = new Set();
let paused = false;

const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
const ms = () => Math.max(0, Math.round(performance.now() - since));
const plain = (text) => (text ?? "").toLowerCase().replace(/[^a-z0-9-]+/g, "-").slice(0, 60);

/** Notes that something was done; `once`: only the first time for this case. */
export function did(kind, about = "", once = false) {
  if (!claim || waiting.length >= MOST_WAITING || (once && seen.has(kind + about))) return;
  seen.add(kind + about);
  waiting.push({ kind, ms: ms(), ...(about ? { about: plain(about) } : {}) });
}

/** Sends what waits for the case on the page. Lives on while the page goes away. */
export async function report() {
  if (!claim || !waiting.length || paused || !navigator.onLine) return;
  const [whose, events] = [claim, waiting.splice(0, BATCH)];
  const answer = await send(whose, events);
  if (answer !== 401 && answer !== 403) return; // nothing is sent twice: a lost batch is better than a doubled one
  paused = true;
  if (whose === claim) waiting.unshift(...events);
}

/** The status of the answer; 0 without one. */
async function send(whose, events) {
  try {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": token() };
    const body = JSON.stringify({ ms: ms(), events });
    return (await fetch(`/api/v1/claims/${whose}/interactions`, { method: "POST", keepalive: true, headers, body })).status;
  } catch {
    return 0;
  }
}

/** Another case is shown: what waits for the one before goes first. */
export function follow(next) {
  if (next === claim) return;
  while (claim && waiting.length && !paused && navigator.onLine) send(claim, waiting.splice(0, BATCH));
  [claim, waiting, seen, since] = [next, [], new Set(), performance.now()];
  if (next) did("shown");
}

/** After signing in again. */
export function resume() {
  paused = false;
  report();
}

const partOf = (element) => element.closest("[data-block]")?.id || element.closest("section[id], details[id], form[id]")?.id || "";

document.addEventListener("toggle", ({ target }) => {
  if (!(target instanceof HTMLDetailsElement) || !target.closest("#main") || target.matches(".menu")) return;
  const evidence = target.closest(".evidence-side");
  did(`${evidence ? "evidence" : "details"}_${target.open ? "opened" : "closed"}`, partOf(target));
}, true);
document.addEventListener("change", ({ target }) => {
  if (target.name === "label" && target.form?.closest("#decision")) did("choice_changed");
});
document.addEventListener("focusin", ({ target }) => {
  if (target.id === "note-text") did("note_started", "", true);
  else if (target.name === "reasoning") did("reason_started", "", true);
  else if (target.matches("[data-block]")) did("evidence_visited", target.id);
});
document.addEventListener("hitl:did", ({ detail }) => did(detail.kind, detail.about));
document.addEventListener("visibilitychange", () => {
  did(document.hidden ? "hidden" : "returned");
  if (document.hidden) report();
});
addEventListener("pagehide", report);
setInterval(report, EVERY_MS);
