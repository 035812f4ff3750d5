// A transfer in a test call: nobody is called, the operator decides the result.

import { post } from "../server.js";

export class Transfer {
    // `page` has callbacks: returned(info), ended(reason) and problem(text).
    constructor(box, page) {
        this.box = box;
        this.page = page;
        this.token = "";
        box.addEventListener("click", ({ target }) => {
            const decision = target.closest("[data-decision]")?.dataset.decision;
            if (decision) this.decide(decision);
        });
    }

    get isOpen() {
        return !this.box.hidden;
    }

    start(token, { name, number, announcement }) {
        this.token = token;
        this.part("target-name").textContent = `${name}, ${number}`;
        this.part("announcement").textContent = announcement
            ? `The person who answers hears: “${announcement}”`
            : "Nothing is announced: the person or machine that answers gets the caller at once.";
        this.box.hidden = false;
        this.box.querySelector("button").focus();
    }

    async decide(decision) {
        const buttons = this.box.querySelectorAll("button");
        for (const button of buttons) button.disabled = true;
        try {
            const body = new URLSearchParams({ token: this.token, decision });
            const { line, reason } = await post(this.box.dataset.decide, body);
            this.box.hidden = true;
            if (line) this.page.returned(line);
            else this.page.ended(reason);
        } catch (error) {
            this.page.problem(error.message);
        } finally {
            for (const button of buttons) button.disabled = false;
        }
    }

    part(name) {
        return this.box.querySelector(`[data-part="${name}"]`);
    }
}
