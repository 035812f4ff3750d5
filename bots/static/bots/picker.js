/* A list of choices below a text field; other text can still be typed.

   Up and Down move through the rows, Left and Right within a row. Escape closes. */

import { button, element, say } from "./elements.js";
import { matching } from "./offers.js";

const ROWS = 40;
let count = 0;

export class Picker {
    /* `isChosen` and `choose` take an entry; `extras` makes more buttons for its row. */
    constructor({ input, kind, listing, isChosen, choose, extras = () => [], tools = [] }) {
        Object.assign(this, { input, kind, listing, isChosen, choose, extras });
        this.shown = ROWS;
        this.#build(tools);
        listing.addEventListener("change", () => this.#update());
        input.addEventListener("input", () => this.#mark());
        input.closest(".flex-container").after(this.root);
        this.#update();
    }

    #build(tools) {
        const id = `picker-${(count += 1)}`;
        this.toggle = button(`${this.kind.choose}…`, {
            "aria-expanded": "false",
            "aria-controls": id,
            onclick: () => this.#open(this.panel.hidden),
        });
        this.panel = this.#buildPanel(id);
        const row = element("div", { class: "picker-tools" }, this.toggle, ...tools);
        this.root = element("div", { class: "picker", onkeydown: (event) => this.#key(event) }, row, this.panel);
    }

    #buildPanel(id) {
        this.search = element("input", { type: "search", autocomplete: "off", oninput: () => this.#filter() });
        this.selects = this.kind.filters.map(() => element("select", { onchange: () => this.#filter() }));
        const filters = this.kind.filters.map((filter, at) => element("label", {}, filter.label, this.selects[at]));
        const search = element("label", { class: "wide" }, "Search", this.search);
        this.state = element("span", { role: "status" });
        this.refresh = button("Refresh", { onclick: () => this.listing.refresh() });
        this.rows = element("ul", { class: "picker-rows" });
        this.more = button("Show more", { class: "picker-more", onclick: () => this.#showMore() });
        return element(
            "div",
            { class: "picker-panel", id, hidden: true, role: "group", "aria-label": `Inworld's ${this.kind.noun}` },
            element("div", { class: "picker-filters" }, search, ...filters),
            element("p", { class: "picker-state" }, this.state, this.refresh),
            this.rows,
            this.more,
        );
    }

    /* Set a filter at first, once the list has an entry for it. */
    prefer(at, value) {
        this.preferred = [at, value];
        this.#update();
    }

    #open(isOpen) {
        this.panel.hidden = !isOpen;
        this.toggle.setAttribute("aria-expanded", String(isOpen));
        if (!isOpen) this.toggle.focus();
        // On a phone the keyboard would cover the list.
        else if (!matchMedia("(pointer: coarse)").matches) this.search.focus();
    }

    #update() {
        this.kind.filters.forEach((filter, at) => this.#options(this.selects[at], filter, at));
        this.refresh.disabled = this.listing.busy;
        this.#draw();
    }

    #options(select, filter, at) {
        const previous = select.value;
        const entries = this.listing.entries.filter(this.kind.isAvailable);
        const values = [...new Set(entries.flatMap(filter.values))].sort();
        const nameOf = filter.nameOf ?? ((value) => value);
        const options = values.map((value) => new Option(nameOf(value), value));
        select.replaceChildren(new Option(filter.any, ""), ...options);
        if (values.includes(previous)) select.value = previous;
        const [preferredAt, preferred] = this.preferred ?? [];
        if (preferredAt !== at || !values.includes(preferred)) return;
        select.value = preferred;
        this.preferred = null; // only once: after that the operator chooses
    }

    #filter() {
        this.shown = ROWS;
        this.#draw();
        this.rows.scrollTop = 0;
    }

    #showMore() {
        const first = this.shown;
        this.shown += ROWS;
        this.#draw();
        this.rows.children[first]?.querySelector("button").focus();
    }

    #draw() {
        const chosen = this.selects.map((select) => select.value);
        const matches = matching(this.kind, this.listing.entries, this.search.value, chosen);
        const focused = this.rows.contains(document.activeElement) ? this.#at() : -1;
        this.rows.replaceChildren(...matches.slice(0, this.shown).map((entry) => this.#row(entry)));
        this.more.hidden = matches.length <= this.shown;
        const all = this.listing.entries.filter(this.kind.isAvailable).length;
        say(this.state, `${matches.length} of ${all} ${this.kind.noun}, ${this.listing.status}`);
        this.#mark();
        if (focused >= 0) this.#focus(Math.min(focused, this.rows.children.length - 1));
    }

    #row(entry) {
        const title = element("strong", { dir: "auto" }, this.kind.title(entry));
        const details = element("span", { dir: "auto" }, this.kind.details(entry));
        const choose = element("button", { type: "button", class: "choose" }, title, details);
        choose.addEventListener("click", () => {
            this.choose(entry);
            this.#mark();
        });
        const row = element("li", {}, choose, ...this.extras(entry));
        row.entry = entry;
        return row;
    }

    #mark() {
        [...this.rows.children].forEach((row, at) => {
            row.firstChild.setAttribute("aria-pressed", String(this.isChosen(row.entry)));
            for (const control of row.querySelectorAll("button")) control.tabIndex = at ? -1 : 0;
        });
    }

    #at() {
        return [...this.rows.children].indexOf(document.activeElement.closest("li"));
    }

    #focus(at, which = 0) {
        const rows = [...this.rows.children];
        if (!rows[at]) return;
        rows.forEach((row, index) => {
            for (const control of row.querySelectorAll("button")) control.tabIndex = index === at ? 0 : -1;
        });
        rows[at].querySelectorAll("button")[which]?.focus();
    }

    #key(event) {
        if (this.panel.hidden) return;
        if (event.key === "Escape") this.#open(false);
        else if (event.target === this.search && ["Enter", "ArrowDown"].includes(event.key)) this.#focus(0);
        else if (!this.rows.contains(event.target) || !this.#move(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
    }

    #move(key) {
        const at = this.#at();
        const last = this.rows.children.length - 1;
        const which = document.activeElement.classList.contains("choose") ? 0 : 1;
        if (key === "ArrowUp" && at === 0) this.search.focus();
        else if (key === "ArrowUp") this.#focus(at - 1, which);
        else if (key === "ArrowDown") this.#focus(Math.min(at + 1, last), which);
        else if (key === "Home") this.#focus(0, which);
        else if (key === "End") this.#focus(last, which);
        else if (key === "ArrowRight") this.#focus(at, 1);
        else if (key === "ArrowLeft") this.#focus(at, 0);
        else return false;
        return true;
    }
}
