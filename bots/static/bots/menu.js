/* The menu of keys: a row shows what its action needs, and offers the bot's people. */

import { element } from "./elements.js";

const NEEDED = { say: "message", transfer: "target", tool: "tool" };
const RESCUE = "the transfer number"; // as a call names it, see bots/config/bot_config.py
const ROWS = ".inline-related:not(.empty-form)";

const inRow = (row, name) => row.querySelector(`[name$="-${name}"]`);
const isGone = (row) => Boolean(inRow(row, "DELETE")?.checked);

/* A row shows the one field its action needs, and any that has an error. */
function showNeeded(row) {
    const needed = NEEDED[inRow(row, "action").value];
    for (const name of Object.values(NEEDED)) {
        const place = row.querySelector(`.form-row.field-${name}`);
        place.hidden = name !== needed && !place.querySelector(".errorlist");
    }
}

export class Menu {
    constructor(form) {
        this.form = form;
        this.people = document.getElementById("targets-group");
        this.keys = document.getElementById("menu_keys-group");
        this.chosen = new Map(); // by a key's list of names: the person's row, so that a new name follows
        this.rowsOf(this.keys).forEach((row) => this.begin(row));
        document.addEventListener("formset:added", ({ target, detail }) => {
            if (detail.formsetName === "menu_keys") this.begin(target);
        });
        document.addEventListener("formset:removed", () => this.offer());
        for (const kind of ["input", "change"]) {
            this.people.addEventListener(kind, () => this.offer());
            form.elements.namedItem("transfer_number").addEventListener(kind, () => this.offer());
        }
    }

    rowsOf(group) {
        return [...group.querySelectorAll(ROWS)];
    }

    begin(row) {
        const input = inRow(row, "target");
        const list = element("select", { name: input.name, id: input.id });
        const described = input.getAttribute("aria-describedby");
        if (described) list.setAttribute("aria-describedby", described);
        if (input.getAttribute("aria-invalid")) list.setAttribute("aria-invalid", "true");
        list.dataset.wanted = input.value;
        input.replaceWith(list);
        list.addEventListener("change", () => this.choose(list));
        inRow(row, "action").addEventListener("change", () => showNeeded(row));
        showNeeded(row);
        this.fill(list);
        this.choose(list);
    }

    choose(list) {
        list.dataset.wanted = list.value;
        this.chosen.set(list, this.named().find(({ name }) => name === list.value)?.row);
    }

    /* Who there is, by name. */
    named() {
        const there = this.rowsOf(this.people).filter((row) => !isGone(row));
        const people = there.map((row) => ({ name: inRow(row, "name").value.trim(), row }));
        return people.filter(({ name }) => name);
    }

    /* The people have changed. */
    offer() {
        for (const row of this.rowsOf(this.keys)) this.fill(inRow(row, "target"));
    }

    fill(list) {
        const people = this.named();
        const followed = people.find(({ row }) => row === this.chosen.get(list));
        const wanted = followed?.name ?? list.dataset.wanted;
        const names = people.map(({ name }) => name);
        const rescue = this.form.elements.namedItem("transfer_number").value.trim();
        if (rescue) names.unshift(RESCUE);
        const options = [new Option("The first who is there", ""), ...names.map((name) => new Option(name, name))];
        if (wanted && !names.includes(wanted)) options.push(new Option(`${wanted} (nobody any more)`, wanted));
        list.replaceChildren(...options);
        list.value = list.dataset.wanted = wanted;
    }
}
