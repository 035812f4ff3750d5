/* Opening hours as text: a week becomes words that bots/config/opening_hours.py reads. Pure.

   A week has a list of spans for each day; a span is the minutes of the day at which it opens
   and closes. A span past midnight closes after minute 1440; a missing time is null. */

export const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
export const DAY = 24 * 60;
const NOON = 12 * 60;

const short = (day) => DAYS[day].slice(0, 3);
const two = (number) => String(number).padStart(2, "0");

/* The minute of the day in a time field's value. */
export function minuteOf(value) {
    if (!value) return null;
    const [hours, minutes] = value.split(":").map(Number);
    return hours * 60 + minutes;
}

/* The value of a time field. */
export function valueOf(minute) {
    return minute === null ? "" : `${two(Math.floor((minute % DAY) / 60))}:${two(minute % 60)}`;
}

/* The span between two times of day, which may end after midnight. */
export function spanOf(opens, closes) {
    const isNextDay = opens !== null && closes !== null && closes <= opens;
    return [opens, isNextDay ? closes + DAY : closes];
}

function clock(minute) {
    return minute === null ? "" : `${Math.floor(minute / 60)}:${two(minute % 60)}`;
}

function half(minute) {
    const hours = Math.floor(minute / 60) % 24;
    return `${hours % 12 || 12}:${two(minute % 60)}${hours < 12 ? "am" : "pm"}`;
}

function written([opens, closes]) {
    const end = closes !== null && closes > DAY ? closes - DAY : closes;
    // Without am and pm, 10:00-2:00 could also end in the afternoon.
    const isUnclear = closes > DAY && Math.max(opens, end) <= NOON;
    return isUnclear ? `${half(opens)}-${half(end)}` : `${clock(opens)}-${clock(end)}`;
}

/* What is wrong with the spans of a day; empty if nothing is. */
export function problemOf(spans) {
    if (spans.some((span) => span.includes(null))) return "Fill in both times.";
    if (spans.some(([opens, closes]) => closes === opens + DAY && opens)) return "Open for 24 hours: both times are the same.";
    const sorted = inOrder(spans);
    const overlaps = sorted.some(([opens], at) => at && opens < sorted[at - 1][1]);
    return overlaps ? "These times overlap." : "";
}

const inOrder = (spans) => [...spans].sort(([one], [other]) => one - other);

/* The text of the spans of one day; empty if it has none. */
export function timesOf(spans) {
    return inOrder(spans).map(written).join(", ");
}

/* The text of a week. Neighbouring days with the same times share them. */
export function textOf(week) {
    const days = week.map(timesOf);
    const parts = [];
    for (let first = 0; first < days.length; ) {
        let last = first;
        while (days[last + 1] === days[first]) last += 1;
        const named = first === last ? short(first) : `${short(first)}-${short(last)}`;
        if (days[first]) parts.push(`${named} ${days[first]}`);
        first = last + 1;
    }
    return parts.join(", ") || "Mon-Sun closed";
}
