// The transcript beside the sound: marks the line that is heard, and jumps to a line.

const still = matchMedia("(prefers-reduced-motion: reduce)");
// What people scroll with; the page's own scrolling is none of these.
const SCROLL_KEYS = new Set(["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown", " "]);
const CONTROLS = "a, button, input, select, summary, textarea, [role=slider]";
// A jump starts a moment before the line, so that its first word is heard whole.
const LEAD_SECONDS = 0.2;

class Line {
    constructor(element) {
        this.element = element;
        this.part = Number(element.dataset.part);
        this.begins = Number(element.dataset.begins);
    }

    get start() {
        return Math.max(this.begins - LEAD_SECONDS, 0);
    }

    get words() {
        return this.element.querySelector(".turn-text")?.textContent ?? "";
    }

    // The time of a line becomes a button.
    addButton(jump) {
        const time = this.element.querySelector("time");
        const button = document.createElement("button");
        button.type = "button";
        button.className = "turn-jump";
        button.title = "Play from here";
        time.replaceWith(button);
        button.append(time);
        button.setAttribute("aria-label", `Play from ${time.textContent}`);
        button.addEventListener("click", jump);
    }
}

export class Lines {
    // `jump(part, seconds)` plays from there; `button` makes the transcript follow again.
    constructor(button, jump) {
        this.button = button;
        this.current = null;
        this.following = true;
        this.lines = [...document.querySelectorAll(".turn[data-begins]")].map((li) => new Line(li));
        for (const line of this.lines) this.listen(line, jump);
        button.addEventListener("click", () => {
            this.follow();
            this.scroll();
        });
        addEventListener("wheel", () => this.leave(), { passive: true });
        addEventListener("touchmove", () => this.leave(), { passive: true });
        addEventListener("keydown", ({ key, target }) => {
            if (SCROLL_KEYS.has(key) && !target.closest(CONTROLS)) this.leave();
        });
    }

    listen(line, jump) {
        const play = () => jump(line.part, line.start);
        line.element.classList.add("has-sound");
        line.addButton(play);
        line.element.addEventListener("click", ({ target }) => {
            const selects = String(getSelection() ?? "").length > 0;
            if (!selects && !target.closest(CONTROLS)) play();
        });
    }

    at(part, seconds) {
        const begun = (line) => line.part === part && line.start <= seconds + 0.01;
        return this.lines.findLast(begun) ?? null;
    }

    wordsAt(part, seconds) {
        return this.at(part, seconds)?.words ?? "";
    }

    show(part, seconds, plays) {
        const begun = plays || seconds > 0;
        const line = begun ? this.at(part, seconds) : null;
        this.plays = plays;
        if (line !== this.current) {
            this.current?.element.removeAttribute("aria-current");
            line?.element.setAttribute("aria-current", "true");
            this.current = line;
            if (this.following && plays) this.scroll();
        }
        this.button.hidden = this.following || !plays;
    }

    scroll() {
        const behavior = still.matches ? "auto" : "smooth";
        this.current?.element.scrollIntoView({ block: "nearest", behavior });
    }

    follow() {
        this.following = true;
        this.button.hidden = true;
    }

    // The person reads elsewhere.
    leave() {
        if (!this.plays) return;
        this.following = false;
        this.button.hidden = false;
    }
}
