"""Remarks on transfers, keys, languages and tools of a bot. Pure."""

import re
from collections.abc import Iterator
from dataclasses import replace

import bots.advice.voices as voices
from bots.advice.form import Catalogue, Draft, FormContext, Remark, Row, rows
from bots.config.opening_hours import is_open_or_unreadable
from bots.config.placeholders import BUILT_IN, names

# A caller who hears nothing for longer asks if anybody is there (s).
MAX_SILENCE_SECONDS = 1.5
# Phrases for a transfer, in the languages of the phrasebook.
TRANSFERS = re.compile(
    r"\b(transfer\w*|forward (?:the|their) calls?|hand(?:ing)? (?:the call )?over"
    r"|put (?:you|them|him|her|callers?|the caller) through"
    r"|connect (?:you|them|callers?|the caller) (?:to|with)"
    r"|weiterleite\w*|durchstelle\w*|weiterverbinde\w*"
    r"|transférer\w*|transferir\w*|trasferi\w*|doorverbind\w*)",
    re.IGNORECASE,
)


def remarks(draft: Draft, inworld: Catalogue, context: FormContext) -> Iterator[Remark]:
    """List settings that would have no effect, or too late an effect."""
    people = [row for row in rows(draft, "targets") if row["name"]]
    keys = [row for row in rows(draft, "menu_keys") if row["key"]]
    yield from _transfers_without_people(draft, people)
    yield from _unused_people(draft, people, keys)
    yield from _closed_people(people, context.minute)
    for field in context.bot_number_fields:
        text = "A bot answers this number, so no caller is transferred to it: callers"
        yield Remark(field, f"{text} would go round in circles.")
    if context.webhook_problem:
        yield Remark("webhook_url", f"Nothing will reach it. {context.webhook_problem}")
    if draft.get("webhook_url", "").strip() and not draft.get("webhook_secret"):
        text = "Choose the key that signs what the webhook gets, or add one under"
        yield Remark("webhook_secret", f"{text} Passwords and keys.")
    yield from _ignored_keys(draft, keys)
    yield from _languages(draft, inworld)
    yield from _unused_fillers(draft, context, keys)
    yield from _slow_lookup(draft, context)


def _transfers_without_people(draft: Draft, people: list[Row]) -> Iterator[Remark]:
    """The instructions mention transfers, and the bot cannot transfer."""
    mention = TRANSFERS.search(draft.get("system_prompt", ""))
    if not mention or any(row["when_to_use"] for row in people):
        return
    field = "transfer_number"
    text = f"The instructions mention transfers (“{mention[0]}”), but"
    if people:
        text = f"{text} no person below says when, so the bot transfers nobody."
        yield Remark(field, text)
    elif draft.get(field, "").strip():
        text = f"{text} this number is only used when the bot fails. Add people below"
        yield Remark(field, f"{text} so that the bot can transfer callers.", "hint")
    else:
        yield Remark(field, f"{text} there is no person to transfer callers to.")


def _unused_people(
    draft: Draft, people: list[Row], keys: list[Row]
) -> Iterator[Remark]:
    """People whom only an operator can transfer callers to."""
    targets = [row["target"] for row in keys if row["action"] == "transfer"]
    if "" in targets:  # a key without a name leads to the first available person
        return
    has_number = bool(draft.get("transfer_number", "").strip())
    for index, row in enumerate(people):
        is_fallback = index == 0 and not has_number
        if is_fallback or row["when_to_use"] or row["name"] in targets:
            continue
        text = "Neither the bot nor a key transfers callers to this person, only an"
        field = row.field("when_to_use")
        yield Remark(field, f"{text} operator: say when to transfer.", "hint")


def _closed_people(people: list[Row], minute: int) -> Iterator[Remark]:
    hours = [row["opening_hours"] for row in people]
    if people and not any(is_open_or_unreadable(text, minute) for text in hours):
        text = "Outside everybody's hours at the moment: nobody takes calls."
        yield Remark(people[0].field("opening_hours"), text, "hint")


def _ignored_keys(draft: Draft, keys: list[Row]) -> Iterator[Remark]:
    if draft.get("dtmf_detection"):
        return
    if keys:
        text = "Switched off: the keys of the menu below do nothing."
        yield Remark("dtmf_detection", text)
    if draft.get("can_collect_digits"):
        text = "The bot asks for numbers, but does not accept key presses: see above."
        yield Remark("can_collect_digits", text)


def _languages(draft: Draft, inworld: Catalogue) -> Iterator[Remark]:
    first = draft.get("language", "").strip()
    for row in rows(draft, "languages"):
        language = row["language"]
        model = row["tts_model"] or draft.get("tts_model", "").strip()
        yield from voices.of_language(row.field("language"), language)
        yield from voices.of_sentences(row.field("language"), language, row.__getitem__)
        yield from voices.of_voice(
            row.field("voice"), row["voice"], language, inworld.voices
        )
        yield from voices.of_model(row.field("tts_model"), model, language)
        provider = row["transcription_provider"] or draft.get("transcription_provider")
        at_twilio = voices.of_twilio(
            language, provider or "", row["speech_model"], row["backup_voice"]
        )
        for remark in at_twilio:
            yield replace(remark, field=row.field(remark.field))
        if language and language == first:
            text = f"The bot already speaks {first}; this row has no effect."
            yield Remark(row.field("language"), text)


def _unused_fillers(
    draft: Draft, context: FormContext, keys: list[Row]
) -> Iterator[Remark]:
    has_tool = context.tools or any(row["action"] == "tool" for row in keys)
    bridges_answers = draft.get("answer_filler_seconds", "").strip(" 0.,")
    if draft.get("fillers", "").strip() and not (has_tool or bridges_answers):
        text = "Never said: the bot uses no tool, and says none before a late answer."
        yield Remark("fillers", text, "hint")


def _slow_lookup(draft: Draft, context: FormContext) -> Iterator[Remark]:
    used = {*names(draft.get("greeting", ""))} - BUILT_IN.keys()
    lookup = context.lookup
    if not lookup or not used or lookup.timeout_seconds <= MAX_SILENCE_SECONDS:
        return
    text = f"The greeting waits for it, up to {lookup.timeout_seconds:g} s in silence."
    yield Remark("lookup_tool", f"{text} Give the tool a time limit of 1 s or less.")
