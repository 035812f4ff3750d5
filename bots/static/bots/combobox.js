/* A text field with a list of names to search. The form gets the value behind a name.

   Other text can be typed and is sent as it is. Down and Up move, Enter chooses, Escape closes. */

import { element } from "./elements.js";
import { folded } from "./offers.js";

const ROWS = 40;
let count = 0;

export class Combobox {
    /* `kind` has `entries()`, each with a value, a label and perhaps details and more words to
       find it by; and `isValue(text)`: text that is no name, but can be typed. */
    constructor(input, kind) {
        Object.assign(this, { input, kind, shown: [], at: -1, search: null });
        this.#build();
        this.#showName();
    }

    #build() {
        const { input } = this;
        const id = `combobox-${(count += 1)}`;
        this.hidden = element("input", { type: "hidden", name: input.name, value: input.value });
        this.told = input.value; // the value that the rest of the page knows
        input.removeAttribute("name");
        this.list = element("ul", { id, role: "listbox", "aria-label": this.kind.label, hidden: true });
        this.root = element("div", { class: "combobox" });
        input.before(this.root);
        this.root.append(input, this.hidden, this.list);
        const about = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id };
        for (const [name, value] of Object.entries({ ...about, autocomplete: "off" })) input.setAttribute(name, value);
        input.addEventListener("click", () => this.#open(""));
        input.addEventListener("input", () => this.#type());
        input.addEventListener("keydown", (event) => this.#key(event));
        input.addEventListener("blur", () => this.#settle());
        this.hidden.addEventListener("input", () => {
            this.told = this.hidden.value;
            this.#showName();
        });
        this.list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
    }

    /* The entries have changed: names may be known now, also those of a list that was opened too early. */
    refresh() {
        if (this.input !== document.activeElement) this.#showName();
        else if (this.search !== null && this.list.hidden) this.#open(this.search);
    }

    get #chosen() {
        return this.kind.entries().find(({ value }) => value === this.hidden.value);
    }

    #showName() {
        this.input.value = this.#chosen?.label ?? this.hidden.value;
    }

    #type() {
        const typed = this.input.value.trim();
        // What is sent is always what the field shows, even if it is sent at once.
        this.hidden.value = this.#named(typed)?.value ?? typed;
        this.#open(typed);
    }

    #named(text) {
        const wanted = folded(text);
        return this.kind.entries().find(({ label, value }) => [label, value].some((name) => folded(name) === wanted));
    }

    /* Take what was typed, or the best match for text that is no value. */
    #settle() {
        const { value } = this.hidden;
        const best = this.list.hidden ? null : this.shown[Math.max(this.at, 0)];
        this.#close();
        this.#set(value && best && !this.#chosen && !this.kind.isValue(value) ? best.value : value);
    }

    #set(value) {
        this.hidden.value = value;
        this.#showName();
        if (value === this.told) return; // nothing has changed: nothing is unsaved
        this.told = value;
        this.hidden.dispatchEvent(new Event("input", { bubbles: true }));
    }

    #open(search) {
        this.search = search;
        const words = folded(search).split(/\s+/).filter(Boolean);
        const textOf = ({ label, value, words: more = "" }) => folded(`${label} ${value} ${more}`);
        const fits = (entry) => words.every((word) => textOf(entry).includes(word));
        this.shown = this.kind.entries().filter(fits).slice(0, ROWS);
        this.list.replaceChildren(...this.shown.map((entry, at) => this.#row(entry, at)));
        this.list.hidden = !this.shown.length;
        this.input.setAttribute("aria-expanded", String(!this.list.hidden));
        this.#mark(search ? -1 : this.shown.findIndex(({ value }) => value === this.hidden.value));
    }

    #row(entry, at) {
        const row = element("li", { role: "option", id: `${this.list.id}-${at}` }, element("strong", { dir: "auto" }, entry.label));
        if (entry.isRecommended) row.append(" ", element("span", { class: "chip" }, "Recommended"));
        if (entry.details) row.append(element("span", { class: "details", dir: "auto" }, entry.details));
        row.addEventListener("click", () => this.#choose(entry));
        return row;
    }

    #mark(at) {
        this.at = at;
        [...this.list.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === at)));
        const row = this.list.children[at];
        if (row) this.input.setAttribute("aria-activedescendant", row.id);
        else this.input.removeAttribute("aria-activedescendant");
        row?.scrollIntoView({ block: "nearest" });
    }

    #choose(entry) {
        this.#close();
        this.#set(entry.value);
    }

    #close() {
        this.search = null;
        this.list.hidden = true;
        this.input.setAttribute("aria-expanded", "false");
        this.input.removeAttribute("aria-activedescendant");
    }

    #key(event) {
        const isOpen = !this.list.hidden;
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step && !isOpen) this.#open("");
        else if (step) this.#mark((this.at + step + this.shown.length) % this.shown.length);
        else if (event.key === "Enter" && isOpen && this.at >= 0) this.#choose(this.shown[this.at]);
        else if (event.key === "Enter") this.#settle(); // it does not save the page
        else if (event.key === "Escape" && isOpen) this.#close();
        else return;
        event.preventDefault();
    }
}
