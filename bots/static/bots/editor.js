/* The bot editor: pickers, listen buttons and advice around the admin's own form. */

import { Advice } from "./advice.js";
import { Listing } from "./listing.js";
import { models, voices } from "./offers.js";
import { Picker } from "./picker.js";
import { Menu } from "./menu.js";
import { Player } from "./player.js";
import { follow, lead, mark } from "./sections.js";

const form = document.querySelector("#bot_form");
const addresses = document.querySelector("#editor").dataset;
const nav = document.querySelector("nav.sections");
const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
const field = (name) => form.elements.namedItem(name);

function fill(input, value) {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
}

/* What to say in a voice: the greeting as it stands, in the bot's model and language. */
function audition(voice) {
    const body = new URLSearchParams({ tts_voice: voice });
    for (const name of ["name", "greeting", "tts_model", "language", "values", "time_zone"]) {
        body.set(name, field(name).value);
    }
    return body;
}

/* The same in a further language: a usual sentence, as the greeting is in the first. */
function auditionIn(row, voice) {
    const body = audition(voice);
    body.set("greeting", "");
    for (const name of ["language", "tts_model"]) {
        const value = inRow(row, name).value.trim();
        if (value) body.set(name, value);
    }
    return body;
}

function inRow(row, name) {
    return row.querySelector(`[name$="-${name}"]`);
}

function pickVoice(input, listing, player, wanted, language) {
    const picker = new Picker({
        input,
        listing,
        kind: voices,
        isChosen: (voice) => voice.id === input.value.trim(),
        choose: (voice) => fill(input, voice.id),
        extras: (voice) => player.button(() => wanted(voice.id), `Listen to ${voice.name}`),
        tools: player.button(() => wanted(input.value.trim()), "Listen to the chosen voice"),
    });
    picker.prefer(0, language.value.split("-")[0].toLowerCase());
}

/* Each further language has a voice of its own. */
function pickVoices(listing, player) {
    const pick = (row) =>
        pickVoice(inRow(row, "voice"), listing, player, (voice) => auditionIn(row, voice), inRow(row, "language"));
    document.querySelectorAll("#languages-group .inline-related:not(.empty-form)").forEach(pick);
    document.addEventListener("formset:added", ({ target, detail }) => {
        if (detail.formsetName === "languages") pick(target);
    });
}

function pickModel(input, listing) {
    const isChosen = (model) => model.id === input.value.trim();
    new Picker({ input, listing, kind: models, isChosen, choose: (model) => fill(input, model.id) });
}

/* One a line: choosing a model adds it, choosing it again takes it out. */
function pickFallbacks(input, listing) {
    const lines = () => input.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const isChosen = (model) => lines().includes(model.id);
    const choose = (model) => {
        const others = lines().filter((line) => line !== model.id);
        fill(input, (isChosen(model) ? others : [...others, model.id]).join("\n"));
    };
    const kind = { ...models, choose: "Choose models" };
    new Picker({ input, listing, kind, isChosen, choose });
}

/* The admin numbers a new row's fields, but not what describes them. */
function describe({ target: row }) {
    const number = row.id.replace(/^.*-/, "");
    for (const each of row.querySelectorAll("[aria-describedby]")) {
        const described = each.getAttribute("aria-describedby");
        each.setAttribute("aria-describedby", described.replace("__prefix__", number));
    }
}

function start() {
    document.addEventListener("formset:added", describe);
    const offered = {
        voices: new Listing(addresses.voices, token),
        models: new Listing(addresses.models, token),
    };
    const player = new Player(addresses.listen, token);
    pickVoice(field("tts_voice"), offered.voices, player, audition, field("language"));
    pickVoices(offered.voices, player);
    pickModel(field("llm_model"), offered.models);
    pickFallbacks(field("fallback_models"), offered.models);
    new Menu(form);
    const advice = new Advice(form, addresses.advice);
    advice.addEventListener("change", () => mark(nav));
    for (const listing of Object.values(offered)) {
        listing.addEventListener("change", () => listing.busy || advice.soon());
        listing.load();
    }
    lead();
    follow(nav);
    mark(nav);
    advice.ask();
}

start();
