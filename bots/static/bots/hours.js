/* A week of times in place of opening hours as text.

   The text field stays in the form and has the value. It can be shown: people paste hours. */

import { button, element, readText, say, selectFor } from "./elements.js";
import { DAY, DAYS, minuteOf, problemOf, spanOf, textOf, valueOf } from "./week.js";

const USUAL = [9 * 60, 17 * 60];
const MOST = 4; // spans of a day
const MODES = { any: "At any time", week: "At these times", text: "Written as text" };
const USUAL_WEEK = DAYS.map((_, day) => (day < 5 ? [USUAL] : []));
const UNREAD = "These hours could not be read. Reload the page.";

export class Hours {
    constructor(input, url) {
        const week = JSON.parse(input.dataset.week ?? "[]");
        Object.assign(this, { input, url, week: week.length ? week : null });
        this.known = input.value; // the text that the week stands for
        this.#build();
        const mode = !input.value.trim() ? "any" : this.week ? "week" : "text";
        this.#show(mode);
        if (mode === "week") this.#draw();
    }

    #build() {
        const { input } = this;
        this.select = selectFor(input, MODES, "Opening hours as text");
        this.summary = element("summary", { dir: "auto" });
        this.days = DAYS.map((name, day) => this.#buildDay(name, day));
        this.status = element("p", { class: "hours-status", role: "status" });
        this.details = element("details", { class: "hours-week" }, this.summary, ...this.days.map((day) => day.root));
        this.root = element("div", { class: "hours" }, this.select, this.details, this.status);
        input.before(this.root);
        this.details.after(input);
        this.select.addEventListener("change", () => this.#choose(this.select.value));
    }

    #buildDay(name, day) {
        const open = element("input", { type: "checkbox", onchange: () => this.#setOpen(day, open.checked) });
        const spans = element("div", { class: "hours-spans" });
        const problem = element("p", { class: "hours-problem", role: "status" });
        const add = button("Add", { "aria-label": `More hours on ${name}`, onclick: () => this.#add(day) });
        const copy = this.#buildCopy(name, day);
        const root = element(
            "div",
            { class: "hours-day", role: "group", "aria-label": name },
            element("label", {}, open, ` ${name}`), spans, add, copy, problem,
        );
        return { root, open, spans, add, copy, problem };
    }

    #buildCopy(name, day) {
        const others = DAYS.map((other, to) => [other, [to]]).filter(([, [to]]) => to !== day);
        const targets = [["Every day", [...DAYS.keys()]], ["Monday to Friday", [0, 1, 2, 3, 4]], ...others];
        const choices = targets.map(([label, days]) => button(label, { onclick: () => this.#copy(day, days, label) }));
        const summary = element("summary", { "aria-label": `Copy the hours of ${name} to other days` }, "Copy to…");
        return element("details", { class: "hours-copy" }, summary, element("div", {}, ...choices));
    }

    async #choose(mode) {
        const { input } = this;
        say(this.status, "");
        if (mode === "week" && !(await this.#read())) return this.#show("text");
        this.#show(mode);
        if (mode === "any") this.#set("");
        if (mode === "week") {
            this.#write();
            this.details.open = true;
        }
        if (mode === "text") input.focus();
    }

    /* Bring the week up to the text; false, with the reason shown, if it cannot be read. */
    async #read() {
        const text = this.input.value.trim();
        if (text === this.known.trim() && this.week) return true;
        if (!text) this.week ??= structuredClone(USUAL_WEEK);
        if (!text) return true;
        const { week, problem } = await readText(this.url, text, UNREAD);
        if (week) this.week = week;
        say(this.status, problem ?? "");
        return !problem;
    }

    #show(mode) {
        this.select.value = mode;
        this.details.hidden = mode !== "week";
        this.input.hidden = mode !== "text";
    }

    #set(text) {
        this.known = text;
        if (this.input.value === text) return;
        this.input.value = text;
        this.input.dispatchEvent(new Event("input", { bubbles: true }));
    }

    #write() {
        this.#set(textOf(this.week));
        this.#draw();
    }

    #setOpen(day, isOpen) {
        this.week[day] = isOpen ? [USUAL] : [];
        this.#write();
    }

    #add(day) {
        const closes = this.week[day].at(-1)?.[1] ?? null;
        const fits = closes !== null && closes + 240 <= DAY;
        this.week[day] = [...this.week[day], fits ? [closes + 60, closes + 240] : [null, null]];
        this.#write();
        this.days[day].spans.lastChild.querySelector("input").focus();
    }

    #remove(day, at) {
        this.week[day] = this.week[day].filter((_, index) => index !== at);
        this.#write();
        this.days[day].open.focus();
    }

    #copy(from, days, label) {
        for (const day of days) this.week[day] = structuredClone(this.week[from]);
        this.#write();
        const { copy } = this.days[from];
        copy.open = false;
        copy.querySelector("summary").focus();
        say(this.status, `Copied the hours of ${DAYS[from]}: ${label}.`);
    }

    #draw() {
        say(this.summary, textOf(this.week));
        this.days.forEach((parts, day) => this.#drawDay(parts, day));
    }

    #drawDay({ root, open, spans, add, copy, problem }, day) {
        const known = this.week[day];
        open.checked = known.length > 0;
        root.classList.toggle("closed", !known.length);
        add.hidden = !known.length || known.length >= MOST;
        // Fields that are typed into stay as they are.
        if (spans.children.length !== known.length || !spans.contains(document.activeElement)) {
            spans.replaceChildren(...known.map((span, at) => this.#buildSpan(span, day, at)));
        }
        if (!known.length) spans.replaceChildren("Closed");
        say(problem, problemOf(known));
    }

    #buildSpan(span, day, at) {
        const which = at ? ` ${at + 1}` : "";
        const times = ["opens", "closes"].map((verb, part) =>
            element("input", { type: "time", "aria-label": `${DAYS[day]} ${verb}${which}`, value: valueOf(span[part]) }),
        );
        const changed = () => {
            this.week[day][at] = spanOf(...times.map(({ value }) => minuteOf(value)));
            this.#write();
        };
        for (const time of times) time.addEventListener("input", changed);
        const remove = button("×", { "aria-label": `Remove ${DAYS[day]}'s hours${which}`, onclick: () => this.#remove(day, at) });
        return element("span", { class: "hours-span" }, times[0], "–", times[1], remove);
    }
}
