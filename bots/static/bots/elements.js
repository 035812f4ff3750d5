/* Creates elements. Text is always inserted as text, never as HTML. */

export function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
        else if (value === true) made.setAttribute(name, "");
        else if (value !== false && value !== null) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
}

export function button(label, attributes = {}) {
    return element("button", { type: "button", ...attributes }, label);
}

/* A choice between ways to fill in a text field. It takes over the field's place in the
   form: its id and so its label, its help and its errors. The text itself gets `label`. */
export function selectFor(input, modes, label) {
    const options = Object.entries(modes).map(([value, name]) => new Option(name, value));
    const select = element("select", { id: input.id }, ...options);
    for (const name of ["aria-describedby", "aria-invalid"]) {
        if (input.hasAttribute(name)) select.setAttribute(name, input.getAttribute(name));
    }
    input.removeAttribute("id");
    input.setAttribute("aria-label", label);
    return select;
}

/* Set a text. An unchanged text is left alone: screen readers would announce it again. */
export function say(target, text) {
    if (target.textContent !== text) target.textContent = text;
}

/* Has the server read a text; answers its JSON, or the problem `unread`. */
export async function readText(url, text, unread) {
    try {
        return await (await fetch(`${url}?${new URLSearchParams({ text })}`)).json();
    } catch {
        return { problem: unread }; // no connection, or a sign-in page
    }
}
