/* How voices and models are searched, filtered and shown. Pure: entries to words. */

const languages = new Intl.DisplayNames(undefined, { type: "language", fallback: "code" });

function languageName(tag) {
    try {
        return languages.of(tag);
    } catch {
        return tag; // whatever Inworld calls it
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
            named: languageName,
        },
        { label: "Gender", any: "Any", values: (voice) => [voice.gender].filter(Boolean) },
    ],
    isOffered: () => true,
    isFirst: (voice) => voice.is_own,
    words: (voice) =>
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
    isOffered: (model) => model.is_supported,
    isFirst: () => false,
    words: (model) => [model.id, model.vendor, model.provider].join(" "),
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

/* Small letters without accents, so that Etienne finds Étienne. */
export function folded(text) {
    return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/* The entries with every word of the search, and every chosen filter. */
export function matching(kind, entries, search, chosen) {
    const terms = folded(search).split(/\s+/).filter(Boolean);
    const fits = (entry) =>
        kind.isOffered(entry) &&
        kind.filters.every((filter, at) => !chosen[at] || filter.values(entry).includes(chosen[at])) &&
        terms.every((term) => folded(kind.words(entry)).includes(term));
    const found = entries.filter(fits);
    return [...found.filter(kind.isFirst), ...found.filter((entry) => !kind.isFirst(entry))];
}
