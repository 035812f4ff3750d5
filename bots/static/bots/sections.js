/* The list of sections: opens a section, and counts its errors and warnings. */

import { element, say } from "./elements.js";

function sectionOf(link) {
    const target = document.getElementById(link.hash.slice(1));
    return target?.closest(".bot-section") ?? target;
}

function open(section) {
    const details = section?.querySelector(":scope > fieldset > details");
    if (details) details.open = true;
}

export function follow(nav) {
    const links = [...nav.querySelectorAll("a")];
    for (const link of links) link.addEventListener("click", () => open(sectionOf(link)));
    const current = new Map(links.map((link) => [sectionOf(link), link]));
    const inSight = new Set();
    const watcher = new IntersectionObserver((changes) => {
        for (const { target, isIntersecting } of changes) {
            if (isIntersecting) inSight.add(target);
            else inSight.delete(target);
        }
        const first = links.find((link) => inSight.has(sectionOf(link)));
        for (const link of links) {
            if (link === first) link.setAttribute("aria-current", "location");
            else link.removeAttribute("aria-current");
        }
    }, { rootMargin: "-10% 0px -60% 0px" });
    for (const section of current.keys()) if (section) watcher.observe(section);
}

/* Add a link to the first error to the note on a failed save. */
export function linkToFirstError() {
    const [note, first] = [".errornote", "#bot_form .errorlist"].map((selector) => document.querySelector(selector));
    if (!note || !first) return;
    first.id ||= "first-error";
    first.tabIndex = -1;
    const go = (event) => {
        event.preventDefault();
        const details = first.closest("details");
        if (details) details.open = true;
        first.focus();
        first.scrollIntoView({ block: "center" });
    };
    note.append(" ", element("a", { href: `#${first.id}`, onclick: go }, "Go to the first one"));
}

/* Show the number of errors and warnings in each section. */
export function mark(nav) {
    for (const link of nav.querySelectorAll("a")) {
        const countOf = (selector) => sectionOf(link)?.querySelectorAll(selector).length ?? 0;
        const errors = countOf(".errorlist li");
        const number = errors + countOf(".remarks .warning");
        const badge = link.querySelector(".badge") ?? link.appendChild(element("span", { class: "badge" }));
        badge.hidden = !number;
        badge.classList.toggle("error", errors > 0);
        say(badge, number ? `${number}` : "");
        if (number) badge.setAttribute("aria-label", `${number} to look at`);
    }
}
