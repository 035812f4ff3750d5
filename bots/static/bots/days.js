/* Rows of days in place of days of one's own as text.

   The text field stays in the form and has the value. It can be shown: people paste days. */

import { button, element, readText, say, selectFor } from "./elements.js";
import { minuteOf, problemOf, spanOf, timesOf, valueOf } from "./week.js";

const MODES = { rows: "As a list", text: "Written as text" };
const USUAL = [9 * 60, 13 * 60];
const MOST = 4; // spans of a day
const LEAP_YEAR = "2024"; // stands for every year
const UNREAD = "These days could not be read. Reload the page.";

/* The text of one day, which bots/opening/special_days.py reads. */
export function lineOf({ first, last, isYearly, spans, name }) {
    const written = (day) => (isYearly ? day.slice(5) : day);
    const days = last && last !== first ? `${written(first)} to ${written(last)}` : written(first);
    const named = name.trim() ? ` (${name.trim()})` : "";
    return `${days}: ${timesOf(spans) || "closed"}${named}`;
}

/* What is wrong with a day; empty if nothing is. */
function problemOfDay({ first, last, isYearly, spans }) {
    if (!first) return "Choose the day.";
    if (last && last < first && !isYearly) return "The last day is before the first one.";
    return problemOf(spans);
}

export class Days {
    constructor(input, url) {
        const days = JSON.parse(input.dataset.days ?? "null");
        Object.assign(this, { input, url, known: input.value, days: days ?? [] });
        this.#build();
        this.#show(days ? "rows" : "text");
        this.#draw();
    }

    #build() {
        const { input } = this;
        this.select = selectFor(input, MODES, "Days of your own as text");
        this.list = element("ol", { class: "days" });
        this.add = button("Add a day", { class: "button", onclick: () => this.#add() });
        this.rows = element("div", { class: "days-rows" }, this.list, this.add);
        this.status = element("p", { class: "hours-status", role: "status" });
        this.root = element("div", { class: "hours" }, this.select, this.rows, this.status);
        input.before(this.root);
        this.rows.after(input);
        this.select.addEventListener("change", () => this.#choose(this.select.value));
    }

    async #choose(mode) {
        say(this.status, "");
        const isRead = mode === "text" || (await this.#read());
        this.#show(isRead ? mode : "text");
        if (isRead && mode === "rows") this.#draw();
        if (mode === "text") this.input.focus();
    }

    /* Bring the rows up to the text; false, with the reason shown, if it cannot be read. */
    async #read() {
        const text = this.input.value;
        if (text === this.known) return true;
        const { days, problem } = await readText(this.url, text, UNREAD);
        if (days) Object.assign(this, { days, known: text });
        say(this.status, problem ?? "");
        return !problem;
    }

    #show(mode) {
        this.select.value = mode;
        this.rows.hidden = mode !== "rows";
        this.input.hidden = mode !== "text";
    }

    #write() {
        this.known = this.days.map(lineOf).join("\n");
        if (this.input.value === this.known) return;
        this.input.value = this.known;
        this.input.dispatchEvent(new Event("input", { bubbles: true }));
    }

    #add() {
        this.days.push({ first: "", last: "", isYearly: false, spans: [], name: "" });
        this.list.append(this.#buildRow(this.days.at(-1)));
        this.#write();
        this.list.lastChild.querySelector("input").focus();
    }

    #remove(day, row) {
        const next = row.nextElementSibling ?? row.previousElementSibling;
        this.days = this.days.filter((other) => other !== day);
        row.remove();
        this.#write();
        (next?.querySelector("input") ?? this.add).focus();
    }

    #draw() {
        this.list.replaceChildren(...this.days.map((day) => this.#buildRow(day)));
    }

    #buildRow(day) {
        const problem = element("p", { class: "hours-problem", role: "status" });
        const spans = element("span", { class: "hours-spans" });
        const changed = () => {
            this.#write();
            // A new row has nothing wrong with it yet.
            say(problem, day.first || day.name || day.spans.length ? problemOfDay(day) : "");
        };
        const row = element("li", { class: "day" });
        row.append(
            ...this.#buildDates(day, changed), this.#buildName(day, changed),
            this.#buildOpen(day, spans, changed), spans,
            button("Remove", { "aria-label": `Remove this day${day.name && `: ${day.name}`}`, onclick: () => this.#remove(day, row) }),
            problem,
        );
        this.#drawSpans(day, spans, changed);
        if (day.first) say(problem, problemOfDay(day));
        return row;
    }

    #buildDates(day, changed) {
        const dates = ["first", "last"].map((part) => {
            const input = element("input", { type: "date", value: shown(day, day[part]) });
            input.addEventListener("input", () => {
                day[part] = input.value;
                changed();
            });
            return element("label", {}, part === "first" ? "Day " : "Until (optional) ", input);
        });
        const yearly = element("input", { type: "checkbox" });
        yearly.checked = day.isYearly;
        yearly.addEventListener("change", () => {
            day.isYearly = yearly.checked;
            changed();
        });
        return [...dates, element("label", { class: "day-check" }, yearly, " Every year")];
    }

    #buildName(day, changed) {
        const input = element("input", { type: "text", maxlength: 80, value: day.name, dir: "auto", placeholder: "Christmas Eve" });
        input.addEventListener("input", () => {
            day.name = input.value;
            changed();
        });
        return element("label", {}, "Name (optional) ", input);
    }

    #buildOpen(day, spans, changed) {
        const open = element("input", { type: "checkbox" });
        open.checked = day.spans.length > 0;
        open.addEventListener("change", () => {
            day.spans = open.checked ? [[...USUAL]] : [];
            this.#drawSpans(day, spans, changed);
            changed();
        });
        return element("label", { class: "day-check" }, open, " Open");
    }

    #drawSpans(day, spans, changed) {
        const redraw = () => {
            this.#drawSpans(day, spans, changed);
            changed();
        };
        const more = button("More hours", { onclick: () => {
            day.spans.push([null, null]);
            redraw();
        } });
        more.hidden = !day.spans.length || day.spans.length >= MOST;
        spans.replaceChildren(...day.spans.map((_, at) => this.#buildSpan(day, at, changed, redraw)), more);
        if (!day.spans.length) spans.replaceChildren("Closed");
    }

    #buildSpan(day, at, changed, redraw) {
        const times = ["Opens", "Closes"].map((label, part) =>
            element("input", { type: "time", "aria-label": at ? `${label} ${at + 1}` : label, value: valueOf(day.spans[at][part]) }),
        );
        for (const time of times) {
            time.addEventListener("input", () => {
                day.spans[at] = spanOf(...times.map(({ value }) => minuteOf(value)));
                changed();
            });
        }
        const remove = button("×", { "aria-label": `Remove hours ${at + 1}`, onclick: () => {
            day.spans.splice(at, 1);
            redraw();
        } });
        return element("span", { class: "hours-span" }, times[0], "–", times[1], ...(day.spans.length > 1 ? [remove] : []));
    }
}

/* A date as its field shows it: a day of every year as that of this year, if it exists. */
function shown({ isYearly }, day) {
    if (!isYearly || !day.startsWith(LEAP_YEAR) || day.endsWith("02-29")) return day;
    return `${new Date().getFullYear()}${day.slice(4)}`;
}
