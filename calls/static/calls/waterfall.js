// Draws the stages of an answer: the same table as waterfall.html.

import { element } from "../bots/elements.js";

const SVG = "http://www.w3.org/2000/svg";

function bar(stage) {
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("aria-hidden", "true");
    const shape = document.createElementNS(SVG, "rect");
    const size = { x: `${stage.left}%`, width: `${stage.width}%`, height: "100%", rx: "2" };
    for (const [key, value] of Object.entries(size)) shape.setAttribute(key, value);
    picture.append(shape);
    return element("td", { class: "waterfall-line" }, picture);
}

function row(stage) {
    return element(
        "tr",
        { class: `waterfall-${stage.name}` },
        element("th", { scope: "row" }, stage.label),
        bar(stage),
        element("td", {}, `${stage.end_ms} ms`),
        element("td", { class: "waterfall-took" }, `+${stage.took_ms}`),
    );
}

function head() {
    const titles = ["Stage", "Time line", "Reached at", "Took"];
    const cells = titles.map((title) => element("th", { scope: "col" }, title));
    return element("thead", {}, element("tr", {}, ...cells));
}

// A table of stages: {name, label, end_ms, took_ms, left, width}.
export function waterfall(stages) {
    const caption = "How the answer came about, in milliseconds from the caller's last word";
    const body = element("tbody", {}, ...stages.map(row));
    return element("table", { class: "waterfall" }, element("caption", {}, caption), head(), body);
}
