/* The clocks and mishaps of the workbench. The server decides all of it; this only tells the person in time.
 *   #lease[data-expires-at][data-now]   how long the case is held; data-now is the server's clock, so that ours may be wrong
 *   [data-undo-until][data-now]         the toast goes when its time is over
 *   [data-alert="late|over|offline|online|failed|session"]   hidden notices shown when that happens
 */
import { did, follow, report, resume } from "./course.js";
import { forgetSoon, restoreDrafts } from "./drafts.js";
import { arrive, lookAhead, ready } from "./prefetch.js";
import { signInAgain } from "./session.js";

const WARN_S = 120;
const ONLINE_MS = 20_000;
const TYPING = "textarea, select, input:not([type=radio], [type=checkbox])";
let said = "";

function say(text) {
  const live = document.getElementById("live");
  if (live && text) live.textContent = text;
}

/** Shows or hides one kind of notice; a notice is spoken when it appears. */
function alertIf(name, on) {
  for (const notice of document.querySelectorAll(`[data-alert="${name}"]`)) {
    if (on && notice.hidden) say(notice.querySelector("p").textContent.trim());
    notice.hidden = !on;
  }
}

/** Seconds left until `iso`, by the server's clock. */
function secondsLeft(element, iso) {
  element.skewMs ??= Date.parse(element.dataset.now) - Date.now();
  return Math.floor((Date.parse(iso) - Date.now() - element.skewMs) / 1000);
}

function clock(seconds) {
  const s = Math.max(0, seconds);
  const pad = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  return `${hours ? `${hours}:${pad(Math.floor(s / 60) % 60)}` : Math.floor(s / 60)}:${pad(s % 60)}`;
}

function showLease() {
  const lease = document.getElementById("lease");
  const expires = lease?.dataset.expiresAt;
  const left = expires ? secondsLeft(lease, expires) : Infinity;
  const state = left <= 0 ? "over" : left <= WARN_S ? "late" : "held";
  if (expires) {
    lease.querySelector("time").textContent = clock(left);
    lease.classList.toggle("is-late", state === "late");
    lease.classList.toggle("is-over", state === "over");
  }
  if (state === said) return;
  said = state;
  if (state === "late") did("lease_warned");
  alertIf("late", state === "late");
  alertIf("over", state === "over");
}

function showUndo() {
  for (const toast of document.querySelectorAll("[data-undo-until]")) {
    const left = secondsLeft(toast, toast.dataset.undoUntil);
    toast.querySelector("[data-seconds]").textContent = Math.max(0, left);
    if (left <= 0) toast.remove();
  }
}

function tick() {
  showLease();
  showUndo();
}

/** A part of the page is new: put drafts back, restart clocks, speak its result. */
function refresh(root) {
  said = "";
  follow(document.getElementById("decision")?.dataset.claim ?? "");
  if (restoreDrafts(root)) {
    did("draft_restored");
    say(document.body.dataset.textRestored);
  }
  const result = root.matches?.("[data-say]") ? root : root.querySelector("[data-say]");
  say(result?.dataset.say);
  tick();
  lookAhead();
}

/** The session has ended, or the form is of an older one: sign in on the spot, keep everything. */
async function reconnect() {
  alertIf("session", true);
  try {
    await signInAgain((words) => {
      alertIf("session", false);
      resume();
      say(words);
      document.querySelector("#decision :checked, #decision [data-focus]")?.focus();
    });
  } catch {
    alertIf("offline", true);
  }
}

/** Focus goes to the question, not to its first answer: a ring round one answer would recommend it. */
function settleFocus(element) {
  const question = element?.matches("[type=radio]") ? element.closest("fieldset") : element;
  question?.setAttribute("tabindex", "-1");
  question?.focus();
}

const isLogin = (url) => Boolean(url) && new URL(url, location.href).pathname === document.body.dataset.login;
const finalForm = (element) => element?.matches?.('form[data-draft$=":final"]');

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (finalForm(detail.elt) && ready()) detail.parameters.next = ready();
});
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  alertIf("failed", false);
  alertIf("online", false);
  if (detail.elt.matches?.("form[data-draft]") && detail.elt.closest("#decision")) did("sent");
  if (detail.elt.id === "renew") did("held_longer");
});
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr, elt } = event.detail;
  const next = xhr.getResponseHeader("Hitl-Next");
  if ((next || xhr.getResponseHeader("HX-Redirect")) && finalForm(elt)) {
    forgetSoon(elt.dataset.draft);
    did("recorded");
    report();
  }
  if (!next) return;
  event.preventDefault();
  if (!arrive(next, xhr.responseText)) {
    location.assign(next);
    return;
  }
  refresh(document);
  document.getElementById("main").focus({ preventScroll: true });
  say([document.querySelector("#undo p")?.textContent, document.querySelector("h1").textContent].join(" "));
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // A refusal of the whole request (an expired form, a page for somebody else) must not take the place of the draft.
  const stray = detail.target.id === "decision" && !detail.serverResponse.includes('id="decision"');
  if (!isLogin(detail.xhr.responseURL) && !stray) return;
  detail.shouldSwap = false;
  reconnect();
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (!(detail.elt instanceof HTMLElement)) return;
  const part = detail.elt.isConnected ? detail.elt : document;
  refresh(part);
  if (part.querySelector("#first-recorded")) did("revealed", "", true);
  if (!document.activeElement?.matches(TYPING)) settleFocus(part.querySelector("[data-focus]")); // a fast typist is ahead
});
document.addEventListener("htmx:sendError", () => alertIf(navigator.onLine ? "failed" : "offline", true));
document.addEventListener("htmx:responseError", ({ detail }) => {
  if ([401, 403].includes(detail.xhr.status)) reconnect();
  else alertIf("failed", true);
});
document.addEventListener("change", ({ target }) => {
  if (target.name === "label") lookAhead();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-signs-in]")) return;
  event.preventDefault();
  reconnect();
});
document.addEventListener("submit", (event) => {
  if (navigator.onLine) return; // before htmx or the browser sees it: neither may leave the page with the choice on it
  event.preventDefault();
  event.stopImmediatePropagation();
  alertIf("offline", true);
}, true);
addEventListener("offline", () => {
  did("offline");
  alertIf("online", false);
  alertIf("offline", true);
});
addEventListener("online", () => {
  did("online");
  alertIf("offline", false);
  alertIf("online", true);
  setTimeout(() => alertIf("online", false), ONLINE_MS);
});

refresh(document);
alertIf("offline", !navigator.onLine);
setInterval(tick, 1000);
