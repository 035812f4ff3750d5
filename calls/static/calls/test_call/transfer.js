// The person a test call is put through to: nobody is rung up, the operator decides.

import { ask } from "./server.js";

export class Person {
    // `page` is told: back(line), over(reason) and problem(text).
    constructor(box, page) {
        this.box = box;
        this.page = page;
        this.token = "";
        box.addEventListener("click", ({ target }) => {
            const decision = target.closest("[data-decision]")?.dataset.decision;
            if (decision) this.decide(decision);
        });
    }

    get rings() {
        return !this.box.hidden;
    }

    ring(token, { name, number, announcement }) {
        this.token = token;
        this.part("person-name").textContent = `${name}, ${number}`;
        this.part("person-told").textContent = announcement
            ? `Who picks up hears: “${announcement}”`
            : "Nothing is announced: whoever picks up, or whatever, gets the caller at once.";
        this.box.hidden = false;
        this.box.querySelector("button").focus();
    }

    async decide(decision) {
        const buttons = this.box.querySelectorAll("button");
        for (const button of buttons) button.disabled = true;
        try {
            const body = new URLSearchParams({ token: this.token, decision });
            const { line, reason } = await ask(this.box.dataset.decide, body);
            this.box.hidden = true;
            if (line) this.page.back(line);
            else this.page.over(reason);
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
