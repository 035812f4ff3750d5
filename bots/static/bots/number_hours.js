/* The hours on the page of a number: a week of times, time zones by name, regions of a country,
   and only the fields that count while it is closed. */

import { Combobox } from "./combobox.js";
import { Days } from "./days.js";
import { Hours } from "./hours.js";
import { timeZones } from "./named_values.js";

const urls = document.getElementById("number-hours").dataset;
const field = (name) => document.getElementById(`id_${name}`);
const row = (name) => field(name).closest(".form-row");
const PARTS = { transfer_number: "transfer", closed_bot: "bot" };

/* A number that is always open has no time zone, and nothing happens when it is closed. */
function showClosed() {
    const isAlwaysOpen = !hours.some(({ value }) => value.trim());
    for (const part of [row("time_zone"), row("when_closed").closest("fieldset")]) {
        part.hidden = isAlwaysOpen && !part.querySelector(".errorlist");
    }
}

function showParts() {
    for (const [name, action] of Object.entries(PARTS)) row(name).hidden = field("when_closed").value !== action;
    row("closed_message").hidden = field("when_closed").value === "bot";
}

async function listRegions() {
    const region = field("holiday_region");
    const [all] = region.options;
    region.replaceChildren(all);
    region.value = "";
    const country = field("holiday_country").value;
    try {
        const response = await fetch(`${urls.regions}?${new URLSearchParams({ country })}`);
        const { regions } = await response.json();
        if (country === field("holiday_country").value) {
            region.append(...regions.map(([code, name]) => new Option(name, code)));
        }
    } catch {
        // No connection, or a sign-in page: the whole country can be chosen.
    }
    showRegions();
}

function showRegions() {
    row("holiday_region").hidden = field("holiday_region").options.length < 2;
}

const hours = ["opening_hours", "special_days", "holiday_country"].map(field);
new Hours(field("opening_hours"), urls.hours);
new Days(field("special_days"), urls.days);
new Combobox(field("time_zone"), timeZones());
field("when_closed").addEventListener("change", showParts);
field("holiday_country").addEventListener("change", listRegions);
for (const part of hours) for (const name of ["input", "change"]) part.addEventListener(name, showClosed);
showParts();
showRegions();
showClosed();
