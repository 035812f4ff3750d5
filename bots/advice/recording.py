"""Remarks on the recording of calls: consent that cannot be given, secrets. Pure."""

from collections.abc import Iterator

from bots.advice.form import Draft, Remark, rows


def remarks(draft: Draft) -> Iterator[Remark]:
    """List settings of a recording that have no effect, or one that nobody expects."""
    recording = draft.get("recording", "")
    key = draft.get("recording_consent_key", "")
    if recording == "consent" and key:
        yield from _key(draft, key)
    elif key:
        text = "Without effect: calls are not recorded after consent."
        yield Remark("recording_consent_key", text, "hint")
    if recording == "always" and not draft.get("consent_message", "").strip():
        text = (
            "Callers are not told that they are recorded, which many countries forbid."
        )
        yield Remark("recording", f"{text} Write a consent message.")
    if recording in ("always", "consent") and draft.get("mask_dtmf"):
        text = "A key that the bot did not ask for, and that is not in its menu, ends"
        text = f"{text} the recording, and what was recorded before is deleted."
        yield Remark("mask_dtmf", text, "hint")


def _key(draft: Draft, key: str) -> Iterator[Remark]:
    field = "recording_consent_key"
    if not draft.get("dtmf_detection"):
        text = "Nobody can press it: the bot does not accept key presses. No call is"
        yield Remark(field, f"{text} recorded.")
    if any(row["key"] == key for row in rows(draft, "menu_keys")):
        text = f"The menu's key {key} acts only after a caller has agreed with it."
        yield Remark(field, text, "hint")
