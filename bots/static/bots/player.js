/* The listen buttons: one sound at a time, and problem told beside the button. */

import { element, say } from "./elements.js";

const FAILED = "The sound could not be fetched from this server.";

export class Player {
    constructor(url, token) {
        Object.assign(this, { url, token });
        this.audio = element("audio", { class: "audition", hidden: true });
        this.audio.addEventListener("ended", () => this.stop());
        this.audio.addEventListener("error", () => this.audio.src && this.#fail(FAILED));
        document.querySelector("#editor").after(this.audio);
    }

    /* A button for one voice; `wanted` says what to speak when it is pressed. */
    button(wanted, label) {
        const made = element("button", { type: "button", class: "listen", "aria-label": label });
        const said = element("span", { class: "said", role: "status" });
        made.addEventListener("click", () => this.#pressed(made, said, wanted()));
        this.#show(made, "idle");
        return [made, said];
    }

    stop() {
        this.request?.abort();
        this.audio.pause();
        if (this.audio.src) URL.revokeObjectURL(this.audio.src);
        this.audio.removeAttribute("src");
        if (this.pressed) this.#show(this.pressed, "idle");
        this.pressed = null;
    }

    async #pressed(pressed, said, wanted) {
        const wasPressed = this.pressed === pressed;
        this.stop();
        say(said, "");
        if (wasPressed) return;
        Object.assign(this, { pressed, said, request: new AbortController() });
        this.#show(pressed, "loading");
        await this.#fetch(pressed, wanted, this.request.signal);
    }

    async #fetch(pressed, wanted, signal) {
        try {
            const answer = await fetch(this.url, {
                method: "POST",
                headers: { "X-CSRFToken": this.token },
                body: wanted,
                signal,
            });
            if (!answer.ok) return this.#fail((await answer.json()).problem ?? FAILED);
            await this.#play(pressed, await answer.blob(), signal);
        } catch (error) {
            if (error.name !== "AbortError") this.#fail(FAILED);
        }
    }

    async #play(pressed, sound, signal) {
        if (signal.aborted) return;
        this.audio.src = URL.createObjectURL(sound);
        this.#show(pressed, "playing");
        await this.audio.play();
    }

    #fail(words) {
        const { said } = this;
        this.stop();
        if (said) say(said, words);
    }

    #show(button, state) {
        button.dataset.state = state;
        say(button, { idle: "▶ Listen", loading: "… Wait", playing: "■ Stop" }[state]);
    }
}
