// Warns before a form with unsaved changes is left. Ctrl-S saves and stays on the page.
// Takes the value that somebody else saved meanwhile, if the person wants that.

const form = document.querySelector("#content-main form:has(.submit-row)");
// A form that comes back with errors holds what was not saved.
let isChanged = Boolean(document.querySelector(".errornote"));

if (form) {
  for (const event of ["input", "change", "formset:added", "formset:removed"]) {
    form.addEventListener(event, () => (isChanged = true));
  }
  form.addEventListener("submit", () => (isChanged = false));
  addEventListener("beforeunload", (event) => isChanged && event.preventDefault());
  addEventListener("keydown", (event) => {
    const isSave = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
    const button = form.querySelector("[name=_continue]") ?? form.querySelector("[name=_save]");
    if (!isSave || event.altKey || event.shiftKey || !button) return;
    event.preventDefault();
    button.click();
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
