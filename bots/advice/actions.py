"""Remarks on what a bot does besides speaking: people, keys, languages, tools. Pure."""

import re
from collections.abc import Iterator

import bots.advice.voices as sound
from bots.advice.form import AvailableTools, Catalogue, Draft, Remark, Row, rows
from bots.config.opening_hours import BadHours, is_open
from bots.config.placeholders import BUILT_IN, names

# A caller who hears nothing for longer asks whether anybody is there (s).
KIND_SECONDS = 1.5
TRANSFERS = re.compile(
    r"\b(transfer\w*|forward (?:the|their) calls?|hand(?:ing)? (?:the call )?over"
    r"|put (?:you|them|him|her|callers?|the caller) through"
    r"|connect (?:you|them|callers?|the caller) (?:to|with)"
    r"|weiterleite\w*|durchstelle\w*|weiterverbinde\w*"
    r"|transférer\w*|transferir\w*|trasferi\w*|doorverbind\w*)",
    re.IGNORECASE,
)


def remarks(draft: Draft, offer: Catalogue, kit: AvailableTools) -> Iterator[Remark]:
    """Whatever would not happen, or not in time."""
    people = [row for row in rows(draft, "targets") if row["name"]]
    keys = [row for row in rows(draft, "menu_keys") if row["key"]]
    yield from _promised(draft, people)
    yield from _out_of_reach(draft, people, keys)
    yield from _closed(people, kit.minute)
    for field in kit.to_bots:
        told = "A bot answers this number, so nobody is put through to it: callers"
        yield Remark(field, f"{told} would go round in circles.")
    if kit.unsent:
        yield Remark("webhook_url", f"Nothing will reach it. {kit.unsent}")
    yield from _unheard(draft, keys)
    yield from _languages(draft, offer)
    yield from _fillers(draft, kit, keys)
    yield from _lookup(draft, kit)


def _promised(draft: Draft, people: list[Row]) -> Iterator[Remark]:
    """The prompt speaks of putting callers through, and the model cannot."""
    said = TRANSFERS.search(draft.get("system_prompt", ""))
    if not said or any(row["when_to_use"] for row in people):
        return
    field, told = "transfer_number", f"The prompt speaks of it (“{said[0]}”), and"
    if people:
        told = f"{told} none of the people below says when, so the model puts nobody"
        yield Remark(field, f"{told} through.")
    elif draft.get(field, "").strip():
        told = f"{told} this number is only for when the bot fails. For the model to"
        yield Remark(field, f"{told} put callers through, add people below.", "hint")
    else:
        yield Remark(field, f"{told} there is nobody to put callers through to.")


def _out_of_reach(draft: Draft, people: list[Row], keys: list[Row]) -> Iterator[Remark]:
    transfers = [row["target"] for row in keys if row["action"] == "transfer"]
    rescue = bool(draft.get("transfer_number", "").strip())
    for place, row in enumerate(people):
        is_fallback = place == 0 and not rescue
        # A key that names nobody takes whoever is there.
        if (
            row["when_to_use"]
            or row["name"] in transfers
            or "" in transfers
            or is_fallback
        ):
            continue
        told = "Neither the model nor a key puts callers through to them, only the desk"
        yield Remark(row.field("when_to_use"), f"{told}: say when to.", "hint")


def _closed(people: list[Row], minute: int) -> Iterator[Remark]:
    if people and not any(_is_there(row["opening_hours"], minute) for row in people):
        told = "Outside everybody's hours just now: nobody takes calls."
        yield Remark(people[0].field("opening_hours"), told, "hint")


def _is_there(hours: str, minute: int) -> bool:
    try:
        return is_open(hours, minute)
    except BadHours:  # told when saving
        return True


def _unheard(draft: Draft, keys: list[Row]) -> Iterator[Remark]:
    if draft.get("dtmf_detection"):
        return
    if keys:
        told = "Switched off: nothing happens when callers press the keys below."
        yield Remark("dtmf_detection", told)
    if draft.get("can_collect_digits"):
        told = "It asks for keys and does not listen for them: see the field above."
        yield Remark("can_collect_digits", told)


def _languages(draft: Draft, offer: Catalogue) -> Iterator[Remark]:
    first = draft.get("language", "").strip()
    for row in rows(draft, "languages"):
        language, model = row["language"], row["tts_model"]
        yield from sound.of_language(row.field("language"), language)
        yield from sound.of_voice(
            row.field("voice"), row["voice"], language, offer.voices
        )
        used = model or draft.get("tts_model", "").strip()
        yield from sound.of_model(row.field("tts_model"), used, language)
        if language and language == first:
            told = f"The bot speaks {first} already; this changes nothing."
            yield Remark(row.field("language"), told)


def _fillers(draft: Draft, kit: AvailableTools, keys: list[Row]) -> Iterator[Remark]:
    waits = kit.tools or any(row["action"] == "tool" for row in keys)
    if draft.get("fillers", "").strip() and not waits:
        told = "Said only while a tool takes long, and the bot uses none."
        yield Remark("fillers", told, "hint")


def _lookup(draft: Draft, kit: AvailableTools) -> Iterator[Remark]:
    waited_for = {*names(draft.get("greeting", ""))} - BUILT_IN.keys()
    if not kit.lookup or not waited_for or kit.lookup.timeout_seconds <= KIND_SECONDS:
        return
    told = (
        f"The greeting waits for it, up to {kit.lookup.timeout_seconds:g} s in silence."
    )
    yield Remark("lookup_tool", f"{told} Give the tool a time limit of 1 s or less.")
