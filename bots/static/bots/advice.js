/* Counts and remarks beside the fields, fetched from the server while the operator types. */

import { element, say } from "./elements.js";

const PAUSE_MS = 400;

export class Advice extends EventTarget {
    constructor(form, url) {
        super();
        Object.assign(this, { form, url, boxes: new Map() });
        // The search fields of the pickers have no name and are not part of the form.
        const changed = ({ target }) => target.name && this.soon();
        form.addEventListener("input", changed);
        form.addEventListener("change", changed);
        // The admin renumbers the remaining rows, so their remarks are placed again.
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
            const response = await fetch(this.url, { method: "POST", body: new FormData(this.form), signal });
            if (response.ok) this.#show(await response.json());
        } catch {
            // Aborted by more typing, or no connection: the last remarks stay.
        }
    }

    #show({ counts, remarks }) {
        const fields = new Set([...this.boxes.keys(), ...Object.keys(counts), ...remarks.map(({ field }) => field)]);
        for (const field of fields) {
            const box = this.#box(field);
            if (!box) continue;
            say(box.count, counts[field] ?? "");
            box.list(remarks.filter((remark) => remark.field === field));
        }
        this.dispatchEvent(new Event("change"));
    }

    #box(field) {
        const box = this.boxes.get(field) ?? this.#make(field);
        if (box) this.boxes.set(field, box);
        return box;
    }

    #forgetRows() {
        for (const [field, { input, root }] of this.boxes) {
            if (!field.includes("-")) continue;
            const described = input.getAttribute("aria-describedby").replace(root.id, "");
            input.setAttribute("aria-describedby", described.trim());
            root.remove();
            this.boxes.delete(field);
        }
        this.soon();
    }

    #make(field) {
        const named = this.form.elements.namedItem(field);
        const input = named?.id ? named : document.getElementById(`id_${field}`); // a group of checkboxes
        if (!input) return null;
        const count = element("p", { class: "count" });
        const remarks = element("ul", { class: "remarks", "aria-live": "polite" });
        const root = element("div", { class: "advice", id: `${input.id}_advice` }, count, remarks);
        const row = input.closest(".flex-container");
        (row.parentElement.querySelector(".picker") ?? row).after(root);
        const described = input.getAttribute("aria-describedby") ?? "";
        input.setAttribute("aria-describedby", `${described} ${root.id}`.trim());
        return { input, root, count, list: (listed) => list(remarks, listed) };
    }
}

function list(container, remarks) {
    const json = JSON.stringify(remarks);
    if (container.dataset.json === json) return; // screen readers would announce it again
    container.dataset.json = json;
    container.replaceChildren(
        ...remarks.map(({ level, text }) =>
            element("li", { class: level, dir: "auto" }, element("strong", {}, level === "warning" ? "Warning: " : "Hint: "), text),
        ),
    );
}
