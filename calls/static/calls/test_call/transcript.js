// The conversation on the page: one item per turn, updated during the call.

import { element } from "../../bots/elements.js";
import { toolCall } from "./tool_calls.js";
import { waterfall } from "../waterfall.js";

const WHO = { caller: "You", bot: "Bot", system: "Instead of an answer", tool: "Tool" };

function line(kind, text) {
    return element("p", { class: kind }, text);
}

function words(turn) {
    const made = element("p", { class: "test-call-words", dir: "auto" }, turn.heard);
    if (turn.notHeard) {
        made.append(element("del", { class: "test-call-not-heard", title: "not heard" }, turn.notHeard));
    }
    return made;
}

function seconds(ms) {
    return `${(ms / 1000).toFixed(2)} s`;
}

function latency(turn, asked, open) {
    const sound = turn.stages.find((stage) => stage.name === "play_sent") ?? turn.stages.at(-1);
    const summary = `${asked ? "Answered" : "Ready"} after ${seconds(sound.end_ms)}`;
    return element("details", { open }, element("summary", {}, summary), waterfall(turn.stages));
}

export class Transcript {
    constructor(log, latest, botName) {
        this.log = log;
        this.list = log.querySelector("ol");
        this.latest = latest; // shows the latest answer's waterfall
        this.botName = botName;
        this.items = new Map();
    }

    clear() {
        this.items.clear();
        this.list.replaceChildren();
        this.latest.replaceChildren(line("test-call-quiet", "Say something to see how long each stage of the answer takes."));
    }

    show(turn) {
        const item = this.items.get(turn.index) ?? this.begin(turn);
        const opened = item.querySelector("details")?.open ?? false;
        item.replaceChildren(line("test-call-who", this.nameOf(turn)), ...(turn.toolCall ? toolCall(turn.toolCall) : [words(turn)]));
        item.dataset.role = turn.role;
        if (turn.interrupted) item.append(line("test-call-note", "Interrupted"));
        if (turn.error) item.append(line("test-call-error", turn.error));
        if (turn.role !== "caller" && turn.stages.length) {
            item.append(latency(turn, this.wasAsked(turn), opened));
            this.showLatest(turn);
        }
        this.scroll();
    }

    // Shows an event that is not a turn, such as the end of the call.
    note(text, kind = "") {
        this.list.append(element("li", { class: `test-call-event ${kind}` }, text));
        this.scroll();
    }

    begin(turn) {
        const item = element("li", { class: `test-call-turn ${turn.role}` });
        this.items.set(turn.index, item);
        this.list.append(item);
        return item;
    }

    // False for greetings. Tool calls may come between the question and its answer.
    wasAsked(turn) {
        let before = turn.index - 1;
        while (["tool", "system"].includes(this.items.get(before)?.dataset.role)) before -= 1;
        return this.items.get(before)?.dataset.role === "caller";
    }

    showLatest(turn) {
        if (turn.index < Math.max(...this.items.keys())) return;
        this.latest.replaceChildren(waterfall(turn.stages));
    }

    nameOf(turn) {
        if (turn.consent) return "Consent message";
        if (turn.filler) return "While you wait";
        return turn.role === "bot" ? this.botName : WHO[turn.role] ?? turn.role;
    }

    scroll() {
        this.log.scrollTop = this.log.scrollHeight;
    }
}
