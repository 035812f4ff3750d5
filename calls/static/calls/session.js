/* The session of an open form. Before the form is sent it asks who is signed in. If nobody is,
   it stays as it is, behind a dialog, until the same person has signed in again. If somebody else
   is, it is emptied. What was typed never leaves the page, so no browser stores it. */

const page = document.querySelector("meta[name=session]").dataset;
const OWNER = "owner of the latest form";
const WORDS = {
  ended: {
    title: "You were signed out",
    text: "What you typed is still here, and not saved yet. Sign in again, then save it.",
    button: "Sign in again",
  },
  other: {
    title: "Somebody else signed in",
    text: "The form of the person before was closed. Its changes were not saved.",
    button: "Go to the first page",
  },
};

const ANSWER_MS = 8_000;

async function ask() {
  try {
    const response = await fetch(page.url, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    const { user, token } = await response.json();
    if (user === null) return { state: "ended" };
    return { state: String(user) === page.user ? "same" : "other", token };
  } catch {
    return { state: "away" }; // no connection, or no answer of ours
  }
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export class Session {
  /* `emptied` is called when the form has lost its content to another person. */
  constructor(form, { emptied }) {
    Object.assign(this, { form, emptied, dialog: null });
    new BroadcastChannel("session").onmessage = () => this.check();
    addEventListener("focus", () => this.dialog && this.check());
    addEventListener("pageshow", ({ persisted }) => (persisted ? this.check() : this.#forgetOthers()));
  }

  /* Resolve to true if the form can be sent. */
  async check() {
    const { state, token } = await ask();
    if (state === "same") this.#renew(token);
    if (state === "other") this.#empty();
    if (state in WORDS) this.#show(state);
    if (state === "away") this.#say("The server does not answer. Nothing was saved, and nothing you typed is lost. Try again.");
    return state === "same";
  }

  #renew(token) {
    for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
    if (!this.dialog) return this.#say("");
    this.dialog.remove();
    this.dialog = null;
    this.#say("You are signed in again. Everything is as you typed it, and not saved yet.");
    this.form.querySelector(".submit-row [type=submit]")?.focus();
  }

  #empty() {
    this.form.replaceChildren();
    this.emptied();
  }

  #show(state) {
    const { title, text, button } = WORDS[state];
    this.dialog?.remove();
    const act = () => (state === "ended" ? open(page.signIn, "_blank", "popup,width=560,height=720") : location.replace(page.home));
    this.dialog = element("dialog", { className: "session", oncancel: (event) => event.preventDefault() },
      element("h2", { id: "session-title", textContent: title }),
      element("p", { textContent: text }),
      element("button", { type: "button", className: "button default", textContent: button, onclick: act }));
    this.dialog.setAttribute("aria-labelledby", "session-title");
    document.body.append(this.dialog);
    this.dialog.showModal();
  }

  #say(text) {
    this.note ??= this.form.querySelector(".submit-row").insertAdjacentElement("afterbegin",
      element("p", { className: "session-note", role: "status" }));
    this.note.textContent = text;
  }

  /* A browser fills a form again when somebody goes back to it: not for another person. */
  #forgetOthers() {
    const owner = sessionStorage.getItem(OWNER);
    sessionStorage.setItem(OWNER, page.user);
    if (owner && owner !== page.user) location.replace(location.href);
  }
}
