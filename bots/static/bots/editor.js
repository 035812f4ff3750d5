/* The bot editor: pickers, listen buttons and advice around the admin's own form. */

import { Advice } from "./advice.js";
import { Combobox } from "./combobox.js";
import { Hours } from "./hours.js";
import { Listing } from "./listing.js";
import { ModelFacts } from "./model_facts.js";
import * as named from "./named_values.js";
import { models, voices } from "./offers.js";
import { Picker } from "./picker.js";
import { Menu } from "./menu.js";
import { Player } from "./player.js";
import { Rows } from "./rows.js";
import { tabs } from "./tabs.js";

const form = document.querySelector("#bot_form");
const urls = document.querySelector("#editor").dataset;
// A field, because its value changes when somebody signs in again beside the form.
const token = form.querySelector("[name=csrfmiddlewaretoken]");
const field = (name) => form.elements.namedItem(name);

function fill(input, value) {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
}

/* The request for a voice: the greeting in the form, in the bot's model and language. */
function preview(voice) {
    const body = new URLSearchParams({ tts_voice: voice });
    for (const name of ["name", "greeting", "tts_model", "language", "variables", "time_zone"]) {
        if (field(name)) body.set(name, field(name).value);
    }
    return body;
}

/* The request for a further language: a standard sentence instead of the greeting. */
function previewOfRow(row, voice) {
    const body = preview(voice);
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

function pickVoice(input, listing, player, request, language) {
    const picker = new Picker({
        input,
        listing,
        kind: voices,
        isChosen: (voice) => voice.id === input.value.trim(),
        choose: (voice) => fill(input, voice.id),
        extras: (voice) => player.button(() => request(voice.id), `Listen to ${voice.name}`),
        tools: player.button(() => request(input.value.trim()), "Listen to the chosen voice"),
    });
    if (language) picker.prefer(0, language.value.split("-")[0].toLowerCase());
}

/* Each further language has its own voice. */
function pickVoices(listing, player) {
    const pick = (row) =>
        pickVoice(inRow(row, "voice"), listing, player, (voice) => previewOfRow(row, voice), inRow(row, "language"));
    document.querySelectorAll("#languages-group .inline-related:not(.empty-form)").forEach(pick);
    document.addEventListener("formset:added", ({ target, detail }) => {
        if (detail.formsetName === "languages") pick(target);
    });
}

const json = (id) => JSON.parse(document.getElementById(id).textContent);

/* The AI model of answers and that of summaries, by name. */
function nameModels(listing) {
    const { recommended } = urls;
    const delays = json("model-delays");
    const kind = named.models(listing, recommended, delays);
    const boxes = ["llm_model", "summary_model"].map((name) => new Combobox(field(name), kind));
    listing.addEventListener("change", () => boxes.forEach((box) => box.refresh()));
    new ModelFacts(boxes[0].hidden, listing, recommended, delays);
}

/* The bot's language and its further ones. */
function nameLanguages() {
    const kind = named.languages(json("language-tags"));
    new Combobox(field("language"), kind);
    const name = (row) => new Combobox(inRow(row, "language"), kind);
    document.querySelectorAll("#languages-group .inline-related:not(.empty-form)").forEach(name);
    document.addEventListener("formset:added", ({ target, detail }) => {
        if (detail.formsetName === "languages") name(target);
    });
}

/* One per line: choosing a model adds it, choosing it again removes it. */
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

/* Each person has opening hours. */
function showWeeks() {
    const show = (row) => new Hours(inRow(row, "opening_hours"), urls.hours);
    document.querySelectorAll("#targets-group .inline-related:not(.empty-form)").forEach(show);
    document.addEventListener("formset:added", ({ target, detail }) => {
        if (detail.formsetName === "targets") show(target);
    });
}

/* The admin numbers the fields of a new row, but not their aria-describedby. */
function numberDescriptions({ target: row }) {
    const number = row.id.replace(/^.*-/, "");
    for (const input of row.querySelectorAll("[aria-describedby]")) {
        const described = input.getAttribute("aria-describedby");
        input.setAttribute("aria-describedby", described.replace("__prefix__", number));
    }
}

function start() {
    document.addEventListener("formset:added", numberDescriptions);
    const listings = {
        voices: new Listing(urls.voices, token),
        models: new Listing(urls.models, token),
    };
    const player = new Player(urls.listen, token);
    pickVoice(field("tts_voice"), listings.voices, player, preview, field("language"));
    if (tabs) {
        nameLanguages();
        new Combobox(field("time_zone"), named.timeZones());
        pickVoices(listings.voices, player);
        nameModels(listings.models);
        pickFallbacks(field("fallback_models"), listings.models);
        showWeeks();
        new Menu(form);
    }
    const rows = new Rows(form);
    const advice = new Advice(form, urls.advice);
    advice.addEventListener("change", () => {
        rows.openWarned();
        tabs?.mark();
    });
    for (const listing of Object.values(listings)) {
        listing.addEventListener("change", () => listing.busy || advice.soon());
        listing.load();
    }
    advice.ask();
}

start();
