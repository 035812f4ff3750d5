// A tool call in the conversation: its action, arguments and result.

import { element } from "../../bots/elements.js";

const MAX_SHOWN_LENGTH = 160; // longer texts are folded away

function folded(text, kind) {
    if (text.length <= MAX_SHOWN_LENGTH) return element("p", { class: kind }, text);
    const full = element("p", {}, text);
    return element("details", { class: kind }, element("summary", {}, `${text.slice(0, 120)}…`), full);
}

export function toolCall({ title, arguments: args, result, failed, ms }) {
    const head = element("p", { class: "tool-title" }, element("strong", {}, title));
    if (failed) head.append(" ", element("span", { class: "test-call-failed" }, "failed"));
    if (ms !== null) head.append(" ", element("span", { class: "tool-duration" }, `${ms} ms`));
    const list = element("dl", { class: "tool-arguments" });
    for (const { name, value } of args) {
        const content = value.length > MAX_SHOWN_LENGTH ? folded(value, null) : value || "-";
        list.append(element("div", {}, element("dt", {}, name || "arguments"), element("dd", {}, content)));
    }
    const parts = args.length ? [head, list] : [head];
    if (result) parts.push(folded(result, "tool-result"));
    for (const part of parts) part.dir = "auto";
    return parts;
}
