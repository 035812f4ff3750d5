/* The table of sections: opens what it leads to, and shows where something is amiss. */

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

/* The note on a failed save leads to what failed first. */
export function lead() {
    const [note, first] = [".errornote", "#bot_form .errorlist"].map((each) => document.querySelector(each));
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

/* How many errors and warnings stand in each section. */
export function mark(nav) {
    for (const link of nav.querySelectorAll("a")) {
        const amiss = (what) => sectionOf(link)?.querySelectorAll(what).length ?? 0;
        const errors = amiss(".errorlist li");
        const number = errors + amiss(".remarks .warning");
        const badge = link.querySelector(".badge") ?? link.appendChild(element("span", { class: "badge" }));
        badge.hidden = !number;
        badge.classList.toggle("error", errors > 0);
        say(badge, number ? `${number}` : "");
        if (number) badge.setAttribute("aria-label", `${number} to look at`);
    }
}
