/* The keypad menu: a row shows the field of its action and a list of the bot's people. */

import { element } from "./elements.js";

const NEEDED = { say: "message", transfer: "target", tool: "tool" };
const TRANSFER_NUMBER = "the transfer number"; // its name in calls, see bots/config/bot_config.py
const ROWS = ".inline-related:not(.empty-form)";

const inRow = (row, name) => row.querySelector(`[name$="-${name}"]`);
const isDeleted = (row) => Boolean(inRow(row, "DELETE")?.checked);

/* Show the field that the row's action needs, and fields with an error. */
function showNeeded(row) {
    const needed = NEEDED[inRow(row, "action").value];
    for (const name of Object.values(NEEDED)) {
        const field = row.querySelector(`.form-row.field-${name}`);
        field.hidden = name !== needed && !field.querySelector(".errorlist");
    }
}

export class Menu {
    constructor(form) {
        this.form = form;
        this.people = document.getElementById("targets-group");
        this.keys = document.getElementById("menu_keys-group");
        this.chosen = new Map(); // from a key's select to the person's row: a key follows a new name
        this.rowsOf(this.keys).forEach((row) => this.setUp(row));
        document.addEventListener("formset:added", ({ target, detail }) => {
            if (detail.formsetName === "menu_keys") this.setUp(target);
        });
        document.addEventListener("formset:removed", () => this.refresh());
        for (const kind of ["input", "change"]) {
            this.people.addEventListener(kind, () => this.refresh());
            form.elements.namedItem("transfer_number").addEventListener(kind, () => this.refresh());
        }
    }

    rowsOf(group) {
        return [...group.querySelectorAll(ROWS)];
    }

    setUp(row) {
        const input = inRow(row, "target");
        const select = element("select", { name: input.name, id: input.id });
        const described = input.getAttribute("aria-describedby");
        if (described) select.setAttribute("aria-describedby", described);
        if (input.getAttribute("aria-invalid")) select.setAttribute("aria-invalid", "true");
        select.dataset.target = input.value;
        input.replaceWith(select);
        select.addEventListener("change", () => this.choose(select));
        inRow(row, "action").addEventListener("change", () => showNeeded(row));
        showNeeded(row);
        this.fill(select);
        this.choose(select);
    }

    choose(select) {
        select.dataset.target = select.value;
        this.chosen.set(select, this.named().find(({ name }) => name === select.value)?.row);
    }

    /* The people that have a name, with their rows. */
    named() {
        const rows = this.rowsOf(this.people).filter((row) => !isDeleted(row));
        const people = rows.map((row) => ({ name: inRow(row, "name").value.trim(), row }));
        return people.filter(({ name }) => name);
    }

    /* Rebuild the lists of names after the people have changed. */
    refresh() {
        for (const row of this.rowsOf(this.keys)) this.fill(inRow(row, "target"));
    }

    fill(select) {
        const people = this.named();
        const renamed = people.find(({ row }) => row === this.chosen.get(select));
        const target = renamed?.name ?? select.dataset.target;
        const names = people.map(({ name }) => name);
        const number = this.form.elements.namedItem("transfer_number").value.trim();
        if (number) names.unshift(TRANSFER_NUMBER);
        const options = [new Option("The first available person", ""), ...names.map((name) => new Option(name, name))];
        if (target && !names.includes(target)) options.push(new Option(`${target} (deleted)`, target));
        select.replaceChildren(...options);
        select.value = select.dataset.target = target;
    }
}
