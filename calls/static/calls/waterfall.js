// Draws the stages of an answer: the same table as waterfall.html.

const SVG = "http://www.w3.org/2000/svg";

function element(name, text = "", attributes = {}) {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
}

function bar(stage) {
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("aria-hidden", "true");
    const shape = document.createElementNS(SVG, "rect");
    const size = { x: `${stage.left}%`, width: `${stage.width}%`, height: "100%", rx: "2" };
    for (const [key, value] of Object.entries(size)) shape.setAttribute(key, value);
    picture.append(shape);
    const cell = element("td", "", { class: "waterfall-line" });
    cell.append(picture);
    return cell;
}

function row(stage) {
    const made = element("tr", "", { class: `waterfall-${stage.name}` });
    made.append(
        element("th", stage.label, { scope: "row" }),
        bar(stage),
        element("td", `${stage.end_ms} ms`),
        element("td", `+${stage.took_ms}`, { class: "waterfall-took" }),
    );
    return made;
}

function head() {
    const made = element("thead");
    const titles = ["Stage", "Time line", "Reached at", "Took"];
    made.append(element("tr"));
    made.firstChild.append(...titles.map((title) => element("th", title, { scope: "col" })));
    return made;
}

// A table of stages: {name, label, end_ms, took_ms, left, width}.
export function waterfall(stages) {
    const table = element("table", "", { class: "waterfall" });
    const body = element("tbody");
    body.append(...stages.map(row));
    const caption = "How the answer came about, in milliseconds from the caller's last word";
    table.append(element("caption", caption), head(), body);
    return table;
}
