/* A session that has ended is renewed in a dialog over the page; the draft stays where it is.
 * The form is the login page's own. Whoever signs in as somebody else, or must pass a second step, is sent there.
 */
const dialog = document.getElementById("sign-in");
const parse = (text) => new DOMParser().parseFromString(text, "text/html");
let done = () => {};

const isLogin = (url) => new URL(url, location.href).pathname === document.body.dataset.login;

/** Forms of this page get the token of the new session. */
function renewTokens(page) {
  const token = page.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!token) return;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
}

function showForm(page) {
  const form = page.querySelector("main form");
  dialog.querySelector("[data-form]").replaceChildren(document.adoptNode(form));
  if (!dialog.open) dialog.showModal();
  (form.querySelector("[aria-invalid=true]") ?? form.querySelector("input:not([type=hidden])"))?.focus();
}

/** What came back: the form again, this page for the same person, or something only a whole page can do. */
function settle(answer, page) {
  if (isLogin(answer.url)) {
    showForm(page);
  } else if (page.body.dataset.user === document.body.dataset.user) {
    renewTokens(page);
    if (dialog.open) dialog.close();
    done(dialog.dataset.textBack);
  } else {
    location.assign(answer.url);
  }
}

/** Opens the dialog, or only renews the tokens where the person is signed in after all; then calls `then(words)`. */
export async function signInAgain(then) {
  done = then;
  const answer = await fetch(location.pathname);
  settle(answer, parse(await answer.text()));
}

dialog?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const body = new FormData(form);
  body.set("next", location.pathname);
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body });
  settle(answer, parse(await answer.text()));
});
dialog?.addEventListener("click", (event) => {
  if (event.target.closest("[data-closes]")) dialog.close();
});
