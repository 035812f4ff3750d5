/* Search, filters and texts of voices and models. Pure. */

const languages = new Intl.DisplayNames(undefined, { type: "language", fallback: "code" });

function languageName(tag) {
    try {
        return languages.of(tag);
    } catch {
        return tag; // not a language code: show it as Inworld has it
    }
}

const base = (tag) => tag.split("-")[0];

export const voices = {
    noun: "voices",
    choose: "Choose a voice",
    filters: [
        {
            label: "Language",
            any: "All languages",
            values: (voice) => voice.languages.map(base),
            nameOf: languageName,
        },
        { label: "Gender", any: "Any", values: (voice) => [voice.gender].filter(Boolean) },
    ],
    isAvailable: () => true,
    isFirst: (voice) => voice.is_own,
    searchText: (voice) =>
        [voice.id, voice.name, voice.gender, voice.age, voice.description]
            .concat(voice.tags, voice.languages, voice.languages.map(languageName))
            .join(" "),
    title: (voice) => (voice.name === voice.id ? voice.id : `${voice.name} (${voice.id})`),
    details: (voice) =>
        [
            voice.is_own ? "your own" : "",
            voice.languages.map(languageName).join(", ") || "any language",
            voice.gender,
            voice.description,
        ]
            .filter(Boolean)
            .join(" · "),
};

export const models = {
    noun: "models",
    choose: "Choose a model",
    filters: [
        { label: "Provider", any: "All providers", values: (model) => [model.provider] },
    ],
    isAvailable: (model) => model.is_supported,
    isFirst: () => false,
    searchText: (model) => [model.id, model.vendor, model.provider].join(" "),
    title: (model) => `${modelName(model.id)} (${model.id})`,
    details: (model) => facts(model, {}),
};

const CAPITALS = /^(gpt|glm|oss|ai|\d+b)$/i;

/* A name to read: "GPT 4.1 Mini" of openai/gpt-4.1-mini. */
export function modelName(id) {
    const words = id.slice(id.lastIndexOf("/") + 1).split(/[-_]+/).filter(Boolean);
    const capital = (word) => (CAPITALS.test(word) ? word.toUpperCase() : word[0].toUpperCase() + word.slice(1));
    return words.map(capital).join(" ") || id;
}

// A call of three minutes has about ten answers. Each reads the instructions and the call so far.
const CALLS = 100;
const READ = 15_000;
const WRITTEN = 500;

function price({ price_read: read, price_written: written }) {
    if (read === null || written === null) return "price unknown";
    const cost = (CALLS * (READ * read + WRITTEN * written)) / 1_000_000;
    return `about ${dollars(cost)} for ${CALLS} calls of three minutes`;
}

/* `delays` are the seconds until callers here usually heard an answer, by model. */
function delay({ id }, delays) {
    const seconds = delays[id] ?? delays[id.slice(id.indexOf("/") + 1)];
    return seconds === undefined ? "usual delay unknown" : `usual delay ${seconds} s`;
}

/* Maker, delay and price of a model. */
export function facts(model, delays) {
    const maker = model.vendor || model.provider;
    return [maker, model.id, delay(model, delays), price(model)].filter(Boolean).join(" · ");
}

function dollars(amount) {
    return `$${amount.toLocaleString(undefined, { maximumFractionDigits: 2 })}`;
}

/* Lower case without accents, so that Etienne finds Étienne. */
export function folded(text) {
    return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/* The entries that match all words of the search and all chosen filters. */
export function matching(kind, entries, search, chosen) {
    const terms = folded(search).split(/\s+/).filter(Boolean);
    const fits = (entry) =>
        kind.isAvailable(entry) &&
        kind.filters.every((filter, index) => !chosen[index] || filter.values(entry).includes(chosen[index])) &&
        terms.every((term) => folded(kind.searchText(entry)).includes(term));
    const matches = entries.filter(fits);
    return [...matches.filter(kind.isFirst), ...matches.filter((entry) => !kind.isFirst(entry))];
}
