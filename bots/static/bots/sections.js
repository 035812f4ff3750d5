/* The table of sections: opens what it leads to, and shows where something is amiss. */

import { element, say } from "./elements.js";

function sectionOf(link) {
    const target = document.getElementById(link.hash.slice(1));
    return target?.closest("fieldset, .inline-group") ?? target;
}

function open(section) {
    const details = section?.querySelector(":scope > details");
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

/* How many errors and warnings stand in each section. */
export function mark(nav) {
    for (const link of nav.querySelectorAll("a")) {
        const number = sectionOf(link)?.querySelectorAll(".errorlist li, .remarks .warning").length ?? 0;
        const badge = link.querySelector(".badge") ?? link.appendChild(element("span", { class: "badge" }));
        badge.hidden = !number;
        say(badge, number ? `${number}` : "");
        if (number) badge.setAttribute("aria-label", `${number} to look at`);
    }
}
