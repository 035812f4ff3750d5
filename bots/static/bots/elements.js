/* Making elements; text goes in as text, whatever it holds. */

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

export function button(words, attributes = {}) {
    return element("button", { type: "button", ...attributes }, words);
}

/* The same words again are not announced again. */
export function say(place, words) {
    if (place.textContent !== words) place.textContent = words;
}
