/* Saved people, keys and languages are one line each, until they are edited. */

import { button } from "./elements.js";

export class Rows {
    constructor(form) {
        this.rows = [...form.querySelectorAll(".inline-related.has_original")];
        this.switches = new Map(this.rows.map((row) => [row, this.#addSwitch(row)]));
        for (const row of this.rows) this.#fold(row, !row.querySelector(".errorlist"));
    }

    #addSwitch(row) {
        const name = row.querySelector(".inline_label").textContent.trim();
        const edit = button("Edit", { class: "edit-row", "aria-label": `Edit ${name}` });
        edit.addEventListener("click", () => this.#fold(row, edit.getAttribute("aria-expanded") === "true"));
        row.querySelector("h3").append(edit);
        return edit;
    }

    #fold(row, isFolded) {
        row.classList.toggle("folded", isFolded);
        this.switches.get(row).setAttribute("aria-expanded", String(!isFolded));
    }

    /* Open the rows that have something to look at. */
    openWarned() {
        for (const row of this.rows) if (row.querySelector(".remarks .warning")) this.#fold(row, false);
    }
}
