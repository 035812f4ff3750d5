/* The listen buttons: one sound at a time, with problems shown beside the button. */

import { element, say } from "./elements.js";

const FAILED = "The sound could not be fetched from this server.";

export class Player {
    constructor(url, token) {
        Object.assign(this, { url, token });
        this.audio = element("audio", { class: "preview", hidden: true });
        this.audio.addEventListener("ended", () => this.stop());
        this.audio.addEventListener("error", () => this.audio.src && this.#fail(FAILED));
        document.querySelector("#editor").after(this.audio);
    }

    /* A button for one voice. `request` returns the body of the request to make. */
    button(request, label) {
        const button = element("button", { type: "button", class: "listen", "aria-label": label });
        const status = element("span", { class: "listen-problem", role: "status" });
        button.addEventListener("click", () => this.#press(button, status, request()));
        this.#show(button, "idle");
        return [button, status];
    }

    stop() {
        this.request?.abort();
        this.audio.pause();
        if (this.audio.src) URL.revokeObjectURL(this.audio.src);
        this.audio.removeAttribute("src");
        if (this.pressed) this.#show(this.pressed, "idle");
        this.pressed = null;
    }

    async #press(pressed, status, body) {
        const wasPressed = this.pressed === pressed;
        this.stop();
        say(status, "");
        if (wasPressed) return;
        Object.assign(this, { pressed, status, request: new AbortController() });
        this.#show(pressed, "loading");
        await this.#fetch(pressed, body, this.request.signal);
    }

    async #fetch(pressed, body, signal) {
        try {
            const response = await fetch(this.url, {
                method: "POST",
                headers: { "X-CSRFToken": this.token.value },
                body,
                signal,
            });
            if (!response.ok) return this.#fail((await response.json()).problem ?? FAILED);
            await this.#play(pressed, await response.blob(), signal);
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

    #fail(problem) {
        const { status } = this;
        this.stop();
        if (status) say(status, problem);
    }

    #show(button, state) {
        button.dataset.state = state;
        say(button, { idle: "▶ Listen", loading: "… Wait", playing: "■ Stop" }[state]);
    }
}
