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
    title: (model) => model.id,
    details: (model) =>
        [
            model.vendor,
            model.context ? `reads ${model.context.toLocaleString()} tokens` : "",
            price(model),
        ]
            .filter(Boolean)
            .join(" · "),
};

function price(model) {
    if (model.price_read === null || model.price_written === null) return "";
    const [read, written] = [model.price_read, model.price_written].map(dollars);
    return `${read} read, ${written} written per million tokens`;
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
