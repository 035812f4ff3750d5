/* The tabs of the editor: one part of the form at a time; the address says which.

   Without this script all parts stand below each other, and the links lead to them. */

import { element } from "./elements.js";

const GAP = 16; // between the tabs and their panel
const KEYS = { ArrowLeft: -1, ArrowRight: 1 };

export class Tabs {
    constructor(nav) {
        this.nav = nav;
        this.links = [...nav.querySelectorAll("a")];
        this.form = nav.closest("form");
        this.#setUp();
        const first = this.form.querySelector(".tab-panel .errorlist");
        const wanted = this.#panelAt(location.hash);
        if (first && !wanted?.querySelector(".errorlist")) this.show(this.#panelOf(first));
        else this.follow(location.hash);
        addEventListener("hashchange", () => this.follow(location.hash));
    }

    #setUp() {
        this.nav.setAttribute("role", "tablist");
        for (const link of this.links) {
            const panel = this.#panelAt(link.hash);
            link.setAttribute("role", "tab");
            link.setAttribute("aria-controls", panel.id);
            panel.setAttribute("role", "tabpanel");
            link.addEventListener("click", (event) => this.#click(event, panel));
            link.addEventListener("keydown", (event) => this.#key(event, link));
        }
        this.form.classList.add("has-tabs");
        this.form.addEventListener("submit", (event) => this.#keepTab(event));
    }

    /* The panel that an address names, or that contains the element it names. */
    #panelAt(hash) {
        const target = document.getElementById(hash.slice(1));
        return target ? this.#panelOf(target) : null;
    }

    #panelOf(target) {
        return target.closest(".tab-panel");
    }

    /* Show what an address names; the first tab if it names nothing here. */
    follow(hash) {
        const panel = this.#panelAt(hash);
        this.show(panel ?? this.#panelAt(this.links[0].hash));
        const target = panel && document.getElementById(hash.slice(1));
        if (panel && target !== panel) this.reveal(target);
    }

    show(panel) {
        this.shown = panel;
        for (const link of this.links) {
            const isShown = link.hash === `#${panel.id}`;
            link.setAttribute("aria-selected", String(isShown));
            link.tabIndex = isShown ? 0 : -1;
            this.#panelAt(link.hash).hidden = !isShown;
        }
    }

    /* Open everything around an element, and scroll to it. */
    reveal(target) {
        const panel = this.#panelOf(target);
        if (panel && panel !== this.shown) this.#choose(panel);
        for (let around = target.closest("details"); around; around = around.parentElement.closest("details")) {
            around.open = true;
        }
        target.scrollIntoView({ block: "center" });
    }

    #choose(panel) {
        this.show(panel);
        history.replaceState(null, "", `#${panel.id}`);
        const { top, bottom } = this.nav.getBoundingClientRect();
        if (top <= 0) scrollBy(0, panel.getBoundingClientRect().top - bottom - GAP);
    }

    #click(event, panel) {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return; // opens another window
        event.preventDefault();
        this.#choose(panel);
    }

    #key(event, link) {
        const { length } = this.links;
        const at = this.links.indexOf(link);
        const to = { Home: 0, End: length - 1 }[event.key] ?? (at + (KEYS[event.key] ?? NaN) + length) % length;
        const next = this.links[to];
        if (!next || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        this.#choose(this.#panelAt(next.hash));
        next.focus();
    }

    /* Saving returns to this tab, unless it leads to another page. */
    #keepTab({ submitter }) {
        const stays = submitter?.name === "_continue";
        this.form.action = location.pathname + location.search + (stays ? `#${this.shown.id}` : "");
    }

    /* Add a link to the first error to the note on a failed save. */
    linkToFirstError() {
        const [note, first] = [".errornote", "#bot_form .errorlist"].map((selector) => document.querySelector(selector));
        if (!note || !first) return;
        first.id ||= "first-error";
        first.tabIndex = -1;
        const go = (event) => {
            event.preventDefault();
            this.reveal(first);
            first.focus({ preventScroll: true });
        };
        note.append(" ", element("a", { href: `#${first.id}`, onclick: go }, "Go to the first one"));
    }

    /* Show the number of errors on each tab, or of warnings if there are no errors. */
    mark() {
        for (const link of this.links) {
            const countOf = (selector) => this.#panelAt(link.hash).querySelectorAll(selector).length;
            const errors = countOf(".errorlist li");
            const number = errors || countOf(".remarks .warning");
            const badge = link.querySelector(".badge") ?? link.appendChild(element("span", { class: "badge" }));
            badge.hidden = !number;
            badge.classList.toggle("error", errors > 0);
            const noun = `${errors ? "error" : "warning"}${number === 1 ? "" : "s"}`;
            if (badge.dataset.text === `${number} ${noun}`) continue;
            badge.dataset.text = `${number} ${noun}`;
            badge.replaceChildren(`${number}`, element("span", { class: "visually-hidden" }, ` ${noun}`));
        }
    }
}

const nav = document.querySelector("nav.tabs");
export const tabs = nav && new Tabs(nav);
tabs?.linkToFirstError();
tabs?.mark();
