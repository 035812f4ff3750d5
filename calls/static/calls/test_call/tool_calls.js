// A tool call in the conversation: its action, arguments and result.

const MAX_SHOWN_LENGTH = 160; // longer texts are folded away

function piece(tag, kind, ...children) {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    made.append(...children);
    return made;
}

function folded(text, kind) {
    if (text.length <= MAX_SHOWN_LENGTH) return piece("p", kind, text);
    const full = piece("p", "", text);
    return piece("details", kind, piece("summary", "", `${text.slice(0, 120)}…`), full);
}

export function toolCall({ title, arguments: args, result, failed, ms }) {
    const head = piece("p", "tool-title", piece("strong", "", title));
    if (failed) head.append(" ", piece("span", "test-call-failed", "failed"));
    if (ms !== null) head.append(" ", piece("span", "tool-duration", `${ms} ms`));
    const list = piece("dl", "tool-arguments");
    for (const { name, value } of args) {
        const content = value.length > MAX_SHOWN_LENGTH ? folded(value, "") : value || "-";
        list.append(piece("div", "", piece("dt", "", name || "arguments"), piece("dd", "", content)));
    }
    const parts = args.length ? [head, list] : [head];
    if (result) parts.push(folded(result, "tool-result"));
    for (const part of parts) part.dir = "auto";
    return parts;
}
