"""Removes calls and phone numbers from the messages to a live page.

They are the calls of other bots, and the numbers that its user may not see.
"""

from dataclasses import dataclass
from typing import Any

from bots.access.scope import Scope
from bots.phone_numbers.masking import NumberMask
from calls.conversation.dtmf import MASKED
from calls.live_feed.channel_listener import Message
from calls.live_feed.snapshot import TOOL_CALL_LIMIT, Update

NONE = Scope()


@dataclass(frozen=True, slots=True)
class Rights:
    """The bots whose calls a person may watch, control, and see the numbers of.

    `masks_lists`: headers have masked numbers, as lists have, for everybody.
    """

    watch: Scope = NONE
    control: Scope = NONE
    numbers: Scope = NONE
    masks_lists: bool = True

    @property
    def hide_some(self) -> bool:
        """True if the numbers of some calls are hidden."""
        return not self.numbers.covers(self.watch)


def shown(message: Message, rights: Rights) -> Message:
    """The message for the page; its calls are those that its user may watch."""
    match message:
        case {"updates": updates}:
            return {"updates": _updates(updates, rights)}
        case {"full": full}:
            return {"full": _full(full, rights)} if _is_seen(full, rights) else {}
        case {"away": away}:
            return {"away": _updates(away, rights)}
        case {"server": _, "calls": calls, "bots": bots}:
            seen = {sid: calls[sid] for sid in calls if bots[sid] in rights.watch}
            return {"server": message["server"], "calls": seen}
    return message


def _updates(updates: list[Update], rights: Rights) -> list[Update]:
    return [_update(update, rights) for update in updates if _is_seen(update, rights)]


def _is_seen(update: Update, rights: Rights) -> bool:
    return update["bot"] in rights.watch


def _full(update: Update, rights: Rights) -> Update:
    """A whole call, and whether the page offers to control it."""
    may_control = update["bot"] in rights.control
    return {**_update(update, rights), "mayControl": may_control}


def _update(update: Update, rights: Rights) -> Update:
    """An update or a whole call."""
    ours = ("numbers", "bot")
    shown = {name: value for name, value in update.items() if name not in ours}
    if about := shown.get("about"):
        shown["about"] = _header(about, masks=rights.masks_lists)
    if update["bot"] in rights.numbers:
        return shown
    mask = NumberMask(update.get("numbers", []))
    if state := shown.get("state"):
        shown["state"] = _state(state, mask)
    if turn := shown.get("turn"):
        shown["turn"] = _turn(turn, mask)
    if turns := shown.get("turns"):
        shown["turns"] = [_turn(turn, mask) for turn in turns]
    return shown


def _header(about: Update, *, masks: bool) -> Update:
    """The header, with the plain or the masked numbers."""
    shown = {name: value for name, value in about.items() if name != "masked"}
    if masks:
        shown["from"], shown["to"] = about["masked"]
    if people := about.get("people"):
        shown["people"] = [_person(each, masks=masks) for each in people]
    return shown


def _person(person: Update, *, masks: bool) -> Update:
    label = person["masked" if masks else "label"]
    return {"name": person["name"], "label": label, "open": person["open"]}


def _state(state: Update, mask: NumberMask) -> Update:
    """Keys and words that go on; keys one by one would tell a number."""
    keys = MASKED if state["keys"] else ""
    partial = mask.said(state["partial"], is_unfinished=True)
    saying = [_turn_in_queue(turn, mask) for turn in state["saying"]]
    lines = [{**line, "text": mask.said(line["text"])} for line in state["lines"]]
    words = {"partial": partial, "saying": saying, "lines": lines}
    return {**state, "keys": keys, **words}


def _turn_in_queue(turn: Update, mask: NumberMask) -> Update:
    """A turn that the bot is saying, whose pieces are one text."""
    pieces = turn["pieces"]
    texts = [turn["said"], *(piece["text"] for piece in pieces)]
    said, *rest = mask.pieces(*texts, is_unfinished=True)
    masked = [{**piece, "text": text} for piece, text in zip(pieces, rest, strict=True)]
    return {**turn, "said": said, "pieces": masked}


def _turn(turn: Update, mask: NumberMask) -> Update:
    """A turn, which may still grow, or whose tool call may have been cut."""
    heard, missed = mask.pieces(turn["heard"], turn["missed"], is_unfinished=True)
    use = turn["use"] and {name: _data(turn["use"][name], mask) for name in turn["use"]}
    error = mask.made(turn["error"])
    return {**turn, "heard": heard, "missed": missed, "use": use, "error": error}


def _data(value: Any, mask: NumberMask) -> Any:
    if not isinstance(value, str):
        return value
    return mask.said(mask.made(value), is_unfinished=len(value) >= TOOL_CALL_LIMIT)
