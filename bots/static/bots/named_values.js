/* Languages, time zones and models by name, for comboboxes. */

import { facts, modelName } from "./offers.js";

const ENGLISH = new Intl.DisplayNames(["en"], { type: "language", languageDisplay: "standard" });

function nameIn(names, tag) {
    try {
        return names.of(tag);
    } catch {
        return tag; // no language tag
    }
}

const ownName = (tag) => nameIn(new Intl.DisplayNames([tag], { type: "language" }), tag);

/* `tags` are the languages that phone calls are known to work in, of each the usual region first. */
export function languages(tags) {
    const base = ({ value }) => nameIn(ENGLISH, value.split("-")[0]);
    const entries = tags
        .map((tag) => ({ value: tag, label: nameIn(ENGLISH, tag), details: tag, words: ownName(tag) }))
        .sort((one, other) => base(one).localeCompare(base(other)));
    const isValue = (text) => /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(text);
    return { label: "Languages", entries: () => entries, isValue };
}

export function timeZones() {
    const zones = Intl.supportedValuesOf?.("timeZone") ?? [];
    const entries = zones.map((zone) => {
        const [place, ...area] = zone.replaceAll("_", " ").split("/").reverse();
        return { value: zone, label: area.length ? `${place} (${area.reverse().join(", ")})` : place, details: zone };
    });
    return { label: "Time zones", entries: () => entries, isValue: (text) => /[/]|^UTC$/.test(text) };
}

/* The supported models of a listing, the recommended one first. */
export function models(listing, recommended, delays) {
    const entries = () => {
        const supported = listing.entries.filter((model) => model.is_supported);
        const first = supported.filter(({ id }) => id === recommended);
        const others = supported.filter(({ id }) => id !== recommended);
        return [...first, ...others].map((model) => ({
            value: model.id,
            label: modelName(model.id),
            details: facts(model, delays),
            words: `${model.vendor} ${model.provider}`,
            isRecommended: model.id === recommended,
        }));
    };
    return { label: "AI models", entries, isValue: (text) => /[/]|^auto$/.test(text) };
}
