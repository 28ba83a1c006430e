/* The next case is here before this one is recorded, so that it stands there at once.
 * The server lends it for a minute and says in the answer to the judgement that it is shown now; until then it is
 * only text in memory. If anything is amiss, the next case is simply loaded from its own address.
 */
const KEEP_MS = 50_000; // the lease of a prefetched case is a minute
let ahead = null;
let asking = 0;

const fresh = () => Boolean(ahead) && Date.now() - ahead.at < KEEP_MS;

/** Fetches the next case while its predecessor is being judged, if that is about to end. */
export async function lookAhead() {
  const aside = document.getElementById("decision");
  if (aside?.dataset.stage !== "final" || fresh() || Date.now() - asking < 5000 || !navigator.onLine) return;
  asking = Date.now();
  const token = aside.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  try {
    const answer = await fetch(aside.dataset.prefetch, { method: "POST", headers: { "X-CSRFToken": token } });
    if (answer.status !== 200 || answer.redirected || !answer.headers.has("Hitl-Claim")) {
      asking = Date.now() + 15_000;
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    ahead = { claim: answer.headers.get("Hitl-Claim"), url: answer.headers.get("Hitl-Next"), page, at: Date.now() };
  } catch {
    ahead = null;
  }
}

/** The claim of the case that is ready, for the judgement to name. */
export function ready() {
  return fresh() ? ahead.claim : "";
}

/** Puts the case at `url` on the page; `fresher` is what the server sent of this moment. False: it is not here. */
export function arrive(url, fresher) {
  if (ahead?.url !== url) return false;
  const { page } = ahead;
  ahead = null;
  asking = 0;
  document.title = page.title;
  for (const part of ["#main", ".foot"]) {
    const [old, incoming] = [document.querySelector(part), page.querySelector(part)];
    if (old && incoming) old.replaceWith(document.adoptNode(incoming));
  }
  const parts = new DOMParser().parseFromString(fresher, "text/html");
  for (const part of [...parts.body.children]) {
    const old = document.getElementById(part.id);
    if (old) old.replaceWith(document.adoptNode(part));
    else document.getElementById("decision").append(document.adoptNode(part));
  }
  history.pushState({}, "", url);
  htmx.process(document.getElementById("main"));
  scrollTo(0, 0);
  return true;
}

addEventListener("popstate", () => location.reload());
