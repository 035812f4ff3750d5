// The conversation on the page: a bubble a turn, kept up to date as the call goes on.

import { used } from "./tool_calls.js";
import { waterfall } from "../waterfall.js";

const WHO = { caller: "You", bot: "Bot", system: "Instead of an answer", tool: "Tool" };

function line(kind, text, name = "p") {
    const made = document.createElement(name);
    made.className = kind;
    made.textContent = text;
    return made;
}

function words(turn) {
    const made = line("talk-words", turn.said);
    made.dir = "auto";
    if (turn.unheard) {
        const unheard = line("talk-unheard", turn.unheard, "del");
        unheard.title = "not heard";
        made.append(unheard);
    }
    return made;
}

function seconds(ms) {
    return `${(ms / 1000).toFixed(2)} s`;
}

function latency(turn, asked, open) {
    const made = document.createElement("details");
    made.open = open;
    const sound = turn.stages.find((stage) => stage.name === "play_sent") ?? turn.stages.at(-1);
    made.append(
        line("", `${asked ? "Answered" : "Ready"} after ${seconds(sound.end_ms)}`, "summary"),
        waterfall(turn.stages),
    );
    return made;
}

export class Transcript {
    constructor(log, live, botName) {
        this.log = log;
        this.list = log.querySelector("ol");
        this.live = live; // where the latest answer's waterfall stands
        this.botName = botName;
        this.bubbles = new Map();
    }

    clear() {
        this.bubbles.clear();
        this.list.replaceChildren();
        this.live.replaceChildren(line("talk-quiet", "Ask something to see what takes how long."));
    }

    show(turn) {
        const bubble = this.bubbles.get(turn.index) ?? this.begin(turn);
        const opened = bubble.querySelector("details")?.open ?? false;
        bubble.replaceChildren(line("talk-who", this.nameOf(turn)), ...(turn.use ? used(turn.use) : [words(turn)]));
        bubble.dataset.role = turn.role;
        if (turn.interrupted) bubble.append(line("talk-note", "Interrupted"));
        if (turn.error) bubble.append(line("talk-error", turn.error));
        if (turn.role !== "caller" && turn.stages.length) {
            bubble.append(latency(turn, this.wasAsked(turn), opened));
            this.showLatest(turn);
        }
        this.scroll();
    }

    // Something that is not a turn: how the call ended, what went wrong.
    note(text, kind = "") {
        this.list.append(line(`talk-event ${kind}`, text, "li"));
        this.scroll();
    }

    begin(turn) {
        const bubble = line(`talk-turn ${turn.role}`, "", "li");
        this.bubbles.set(turn.index, bubble);
        this.list.append(bubble);
        return bubble;
    }

    // A greeting answers nobody; before an answer may stand what the bot did for it.
    wasAsked(turn) {
        let before = turn.index - 1;
        while (["tool", "system"].includes(this.bubbles.get(before)?.dataset.role)) before -= 1;
        return this.bubbles.get(before)?.dataset.role === "caller";
    }

    showLatest(turn) {
        if (turn.index < Math.max(...this.bubbles.keys())) return;
        this.live.replaceChildren(waterfall(turn.stages));
    }

    nameOf(turn) {
        if (turn.consent) return "Consent sentence";
        if (turn.filler) return "While a tool takes long";
        return turn.role === "bot" ? this.botName : WHO[turn.role] ?? turn.role;
    }

    scroll() {
        this.log.scrollTop = this.log.scrollHeight;
    }
}
