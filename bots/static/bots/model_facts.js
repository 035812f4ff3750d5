/* What is known about the chosen AI model, and the recommended one to take instead. */

import { button, element } from "./elements.js";
import { facts, modelName } from "./offers.js";

export class ModelFacts {
    constructor(hidden, listing, recommended, delays) {
        Object.assign(this, { hidden, listing, recommended, delays });
        this.root = element("div", { class: "model-facts" });
        hidden.closest(".flex-container").after(this.root);
        hidden.addEventListener("input", () => this.#show());
        listing.addEventListener("change", () => this.#show());
        this.#show();
    }

    #find(id) {
        return this.listing.entries.find((model) => model.id === id);
    }

    #show() {
        const id = this.hidden.value.trim();
        const [chosen, best] = [this.#find(id), this.#find(this.recommended)];
        const about = chosen ? facts(chosen, this.delays) : "Not in the list of models: delay and price unknown.";
        const parts = id ? [element("p", { dir: "auto" }, about)] : [];
        if (chosen && id === this.recommended) parts[0].prepend(element("span", { class: "chip" }, "Recommended"), " ");
        else if (best?.is_supported) parts.push(this.#offer(best));
        if (this.listing.problem) parts.push(element("p", {}, `The list of models is ${this.listing.status}`));
        this.root.replaceChildren(...parts);
    }

    #offer(best) {
        const take = () => {
            this.hidden.value = best.id;
            this.hidden.dispatchEvent(new Event("input", { bubbles: true }));
        };
        const about = ` ${facts(best, this.delays)}`;
        return element("p", {}, button(`Use the recommended ${modelName(best.id)}`, { class: "take-model", onclick: take }), about);
    }
}
