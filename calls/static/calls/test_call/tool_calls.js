// The use of a tool in the conversation: what was done, with what, what came of it.

const LONG = 160; // characters; more is folded away

function piece(tag, kind, ...children) {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    made.append(...children);
    return made;
}

function folded(text, kind) {
    if (text.length <= LONG) return piece("p", kind, text);
    const whole = piece("p", "", text);
    return piece("details", kind, piece("summary", "", `${text.slice(0, 120)}…`), whole);
}

export function used({ title, arguments: given, result, failed, ms }) {
    const head = piece("p", "use-title", piece("strong", "", title));
    if (failed) head.append(" ", piece("span", "talk-failed", "failed"));
    if (ms !== null) head.append(" ", piece("span", "use-took", `${ms} ms`));
    const list = piece("dl", "use-arguments");
    for (const { name, value } of given) {
        const told = value.length > LONG ? folded(value, "") : value || "-";
        list.append(piece("div", "", piece("dt", "", name || "arguments"), piece("dd", "", told)));
    }
    const parts = given.length ? [head, list] : [head];
    if (result) parts.push(folded(result, "use-result"));
    for (const part of parts) part.dir = "auto";
    return parts;
}
