// Warns before a form with unsaved changes is left. Ctrl-S saves and stays on the page.
// Takes the value that somebody else saved meanwhile, if the person wants that.
// Asks before sending whether the person is still signed in: nothing typed is lost.

import { Session } from "./session.js";

const form = document.querySelector("#content-main form:has(.submit-row)");
// A form that comes back with errors holds what was not saved.
let isChanged = Boolean(document.querySelector(".errornote"));

function guard(form) {
  const session = new Session(form, { emptied: () => (isChanged = false) });
  let isAsking = false;
  let maySend = false;
  form.addEventListener("submit", async (event) => {
    if (maySend) return (isChanged = false);
    event.preventDefault();
    if (isAsking) return;
    isAsking = true;
    maySend = await session.check();
    isAsking = false;
    if (maySend) form.requestSubmit(event.submitter);
    maySend = false;
  });
  document.addEventListener("visibilitychange", () => !document.hidden && isChanged && session.check());
}

if (form) {
  guard(form);
  for (const event of ["input", "change", "formset:added", "formset:removed"]) {
    form.addEventListener(event, () => (isChanged = true));
  }
  addEventListener("beforeunload", (event) => isChanged && event.preventDefault());
  addEventListener("keydown", (event) => {
    const isSave = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
    const button = form.querySelector("[name=_continue]") ?? form.querySelector("[name=_save]");
    if (!isSave || event.altKey || event.shiftKey || !button) return;
    event.preventDefault();
    button.click();
  });
  // Of a text field the browser shows only the line with the caret.
  form.addEventListener("keyup", ({ key, target }) => {
    if (key === "Tab") target.scrollIntoView({ block: "nearest" });
  });
  for (const button of form.querySelectorAll("button.take")) {
    button.addEventListener("click", () => {
      const field = form.elements[button.dataset.field];
      if (field.type === "checkbox") field.checked = button.dataset.value === "True";
      else field.value = button.dataset.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.focus();
    });
  }
}
