/* Counts and remarks beside the fields, asked from the server while one types. */

import { element, say } from "./elements.js";

const PAUSE_MS = 400;

export class Advice extends EventTarget {
    constructor(form, url) {
        super();
        Object.assign(this, { form, url, places: new Map() });
        // Only a field has a name; the search in a list is none of the form's.
        const changed = ({ target }) => target.name && this.soon();
        form.addEventListener("input", changed);
        form.addEventListener("change", changed);
        // Rows that stay are numbered anew, so what is told of them is put up again.
        document.addEventListener("formset:removed", () => this.#forgetRows());
    }

    soon() {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.ask(), PAUSE_MS);
    }

    async ask() {
        this.request?.abort();
        this.request = new AbortController();
        const { signal } = this.request;
        try {
            const answer = await fetch(this.url, { method: "POST", body: new FormData(this.form), signal });
            if (answer.ok) this.#show(await answer.json());
        } catch {
            // Overtaken by more typing, or away: what was said last stays.
        }
    }

    #show({ counts, remarks }) {
        const fields = new Set([...this.places.keys(), ...Object.keys(counts), ...remarks.map(({ field }) => field)]);
        for (const field of fields) {
            const place = this.#place(field);
            if (!place) continue;
            say(place.count, counts[field] ?? "");
            place.list(remarks.filter((remark) => remark.field === field));
        }
        this.dispatchEvent(new Event("change"));
    }

    #place(field) {
        const place = this.places.get(field) ?? this.#make(field);
        if (place) this.places.set(field, place);
        return place;
    }

    #forgetRows() {
        for (const [field, { input, root }] of this.places) {
            if (!field.includes("-")) continue;
            const described = input.getAttribute("aria-describedby").replace(root.id, "");
            input.setAttribute("aria-describedby", described.trim());
            root.remove();
            this.places.delete(field);
        }
        this.soon();
    }

    #make(field) {
        const named = this.form.elements.namedItem(field);
        const input = named?.id ? named : document.getElementById(`id_${field}`); // boxes to tick
        if (!input) return null;
        const count = element("p", { class: "count" });
        const remarks = element("ul", { class: "remarks", "aria-live": "polite" });
        const root = element("div", { class: "advice", id: `${input.id}_advice` }, count, remarks);
        const row = input.closest(".flex-container");
        (row.parentElement.querySelector(".picker") ?? row).after(root);
        const described = input.getAttribute("aria-describedby") ?? "";
        input.setAttribute("aria-describedby", `${described} ${root.id}`.trim());
        return { input, root, count, list: (found) => list(remarks, found) };
    }
}

function list(remarks, found) {
    const said = JSON.stringify(found);
    if (remarks.dataset.said === said) return; // not announced again
    remarks.dataset.said = said;
    remarks.replaceChildren(
        ...found.map(({ level, text }) =>
            element("li", { class: level, dir: "auto" }, element("strong", {}, level === "warning" ? "Warning: " : "Hint: "), text),
        ),
    );
}
