/* What a person chose and wrote, kept in this browser until it is recorded.
 *   <form data-draft="case-id:stage">  kept as typed, put back when the form appears again
 *   data-draft-clear="case-id:stage"   the server has it: forget ours
 * Keys carry the user's id (<body data-user>), so people sharing a browser do not see each other's drafts.
 */
const PREFIX = "hitl.draft.";
const KEEP_MS = 7 * 24 * 3600 * 1000;

const keyOf = (name) => `${PREFIX}${document.body.dataset.user}.${name}`;

/** Storage may be full or forbidden: then there is no draft, and the page still works. */
function quietly(work) {
  try {
    return work();
  } catch {
    return null;
  }
}

function read(name) {
  return quietly(() => JSON.parse(localStorage.getItem(keyOf(name)) ?? "null"));
}

function save(form) {
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (form.querySelector(`[name="${CSS.escape(name)}"][type="hidden"]`) || typeof value !== "string" || !value) continue;
    if (name in fields) fields[name] = [fields[name], value].flat(); // several checkboxes of one name
    else fields[name] = value;
  }
  quietly(() => localStorage.setItem(keyOf(form.dataset.draft), JSON.stringify({ at: Date.now(), fields })));
}

/** Puts the draft back; what the server echoed into the form wins. Returns whether anything changed. */
function restore(form) {
  const draft = read(form.dataset.draft);
  if (!draft || form.dataset.draftEchoed !== undefined) return false;
  let changed = false;
  for (const [name, value] of Object.entries(draft.fields)) {
    for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (field.type === "radio" || field.type === "checkbox") field.checked = [value].flat().includes(field.value);
      else field.value = value;
      changed = true;
    }
  }
  return changed;
}

const GRACE_MS = 15_000; // longer than a judgement can be undone

/** The server has it; ours goes as soon as it can no longer be undone. */
export function forgetSoon(name) {
  const draft = read(name);
  if (!draft) return;
  draft.at = Date.now() - KEEP_MS + GRACE_MS;
  quietly(() => localStorage.setItem(keyOf(name), JSON.stringify(draft)));
}

/** Forgets what the server has and what is a week old. */
function prune(root) {
  for (const element of root.querySelectorAll("[data-draft-clear]")) {
    quietly(() => localStorage.removeItem(keyOf(element.dataset.draftClear)));
  }
  quietly(() => {
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith(PREFIX))) {
      if (Date.now() - (JSON.parse(localStorage.getItem(key))?.at ?? 0) > KEEP_MS) localStorage.removeItem(key);
    }
  });
}

/** Call when the page or a part of it appears. Returns whether a draft was put back. */
export function restoreDrafts(root) {
  prune(root);
  return [...root.querySelectorAll("form[data-draft]")].map(restore).some(Boolean);
}

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-draft]");
  if (form) save(form);
});
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-draft]");
  if (form) save(form);
});
