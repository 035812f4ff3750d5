// Colours of the design for what is drawn on a canvas, in light and dark.

const dark = matchMedia("(prefers-color-scheme: dark)");
const probe = document.body.appendChild(document.createElement("span"));

export function colour(name) {
    // A colour with a light and a dark form is resolved only where it is used.
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
}

export function onThemeChange(redraw) {
    dark.addEventListener("change", redraw);
    new MutationObserver(redraw).observe(document.documentElement, {
        attributeFilter: ["data-theme"],
    });
}
