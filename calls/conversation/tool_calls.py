"""What a bot does besides speaking: tools, and what it is asked to do itself. Pure.

A model's calls arrive with the end of its reply. What they come to is told to it in the
next request, once all of them have ended.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from bots.config.capabilities import MASK, ToolSpec
from bots.inworld.tool_calls import ToolCall
from calls.conversation.actions import Action, CallTool, ChangeLanguage, SaveTurn
from calls.conversation.dtmf import MASKED, DigitBuffer, DigitRequest, digits_text
from calls.conversation.ending import CallEnding
from calls.conversation.events import ToolCallEnded
from calls.conversation.replies import Reply, milliseconds
from calls.conversation.responder import GREETING_TTS_TIMEOUT, Responder
from calls.conversation.tool_definitions import available_targets
from calls.turns.playback import CHARACTERS_PER_SECOND
from calls.turns.resume import RELAY_LOST, is_pending_transfer
from calls.turns.turn import (
    ASKED,
    COLLECT_DIGITS,
    END_CALL,
    FILLER,
    SWITCH_LANGUAGE,
    TRANSFER_CALL,
    Turn,
    add_tool_call,
)

# From one sentence that bridges a wait to the next (s).
FILLER_PAUSE = 8.0
# Longer is no sentence for a caller, nor for the person a call goes to (characters).
MAX_SENTENCE_LENGTH = 500

NOT_AN_OBJECT = "The arguments are not a JSON object."
NO_SUCH_FUNCTION = "There is no such function."
NO_TARGET_AVAILABLE = "Nobody of that name can be reached now. Offer something else."
NO_SUCH_LANGUAGE = "That language is not one of yours."
SPOKE_INSTEAD = "The caller typed nothing and spoke instead."
NOTHING_TYPED = "The caller typed nothing in time."
TRANSFERRING = "Too late: the caller was leaving the line already."

Arguments = Mapping[str, Any]


class ToolCalls:
    """The functions of one call: which run, what came of them, what bridges a wait."""

    def __init__(
        self, answers: Responder, farewells: CallEnding, entry: DigitBuffer
    ) -> None:
        self.answers = answers
        self.farewells = farewells
        self.replies = answers.replies
        self.turns = answers.turns
        self.entry = entry
        self.running: dict[str, Turn] = {}
        self.filler_at = math.inf
        self.fillers_said = 0

    def start(
        self, calls: tuple[ToolCall, ...], reply: Reply, at: float
    ) -> list[Action]:
        """Do what a reply ended with."""
        actions: list[Action] = []
        for call in calls:
            turn = self._open(call.id, call.name, call.arguments, reply.number, at)
            actions += [
                _noted(turn),
                *self._do(turn, _parse_arguments(turn), reply, at),
            ]
        return actions

    def start_from_key(self, tool: ToolSpec, at: float) -> list[Action]:
        """Use a tool because a key asks for it, whether or not the model may."""
        pressed = [
            t.text
            for t in self.running.values()
            if t.tool_call and not t.tool_call.batch
        ]
        if tool.name in pressed:  # who presses again waits for what runs already
            return []
        turn = self._open("", tool.name, "{}", 0, at)
        return [_noted(turn), *self._request(turn, tool, {}, at)]

    def transfer_unavailable(self, name: str, at: float) -> list[Action]:
        """A key is for somebody who is not there: the model is told, and says so."""
        asked = json.dumps({"target": name} if name else {}, ensure_ascii=False)
        turn = self._open("", TRANSFER_CALL, asked, 0, at)
        return self._close(turn, NO_TARGET_AVAILABLE, at, failed=True)

    def block_reply(self) -> None:
        """The next answer waits for everything that runs."""
        self.answers.pending_results |= self.running.keys()

    def ended(self, event: ToolCallEnded, at: float) -> list[Action]:
        """A tool has answered, or failed."""
        turn = self.running.get(event.call_id)
        if turn is None:
            return []
        failed, shown = event.failed, event.shown
        return self._close(turn, event.result, at, failed=failed, shown=shown)

    def digits_entered(self, at: float) -> list[Action]:
        """What was asked for has been typed, or the time for it is over."""
        secret = self.entry.is_secret or self.answers.manners.mask_dtmf
        request, keys = self.entry.request, self.entry.take(at)
        turn = self.running.get(request.call_id) if request else None
        if request is None or turn is None:
            return []
        if not keys:
            return self._close(turn, NOTHING_TYPED, at, failed=True)
        result = f"The caller {digits_text(keys).strip('[]')}."
        hidden = f"The caller {MASKED.strip('[]')}."
        shown = (
            (turn.tool_call.arguments, hidden) if turn.tool_call and secret else None
        )
        return self._close(turn, result, at, shown=shown)

    def caller_spoke_instead(self, at: float) -> list[Action]:
        """The caller speaks instead of typing."""
        request = self.entry.give_up(at)
        turn = self.running.get(request.call_id) if request else None
        self.block_reply()
        return self._close(turn, SPOKE_INSTEAD, at, failed=True) if turn else []

    def cancel_all(self, at: float) -> list[Action]:
        """The line is gone: nobody waits for what still runs."""
        self.entry.give_up(at)
        unmade = [] if self.farewells.over else filter(is_pending_transfer, self.turns)
        left = [*self.running.values(), *unmade]
        closed = (self._close(turn, RELAY_LOST, at, failed=True) for turn in left)
        return list(chain.from_iterable(closed))

    @property
    def due_at(self) -> float:
        """When a sentence is due that bridges the wait."""
        return self.filler_at if self._waits else math.inf

    def say_filler_if_due(self, at: float, *, quiet: bool) -> list[Action]:
        """Say such a sentence, unless it is better to be `quiet`."""
        if self.due_at > at:
            return []
        manners, playback = self.answers.manners, self.replies.playback
        if quiet or self.replies.is_writing or playback.pending():
            self.filler_at = (playback.ends_at() or at) + manners.filler_delay_seconds
            return []
        self.filler_at = at + FILLER_PAUSE
        if not (fillers := manners.fillers):
            return []
        words = fillers[self.fillers_said % len(fillers)]
        self.fillers_said += 1
        actions = self.answers.say_message(words, at, role="system")
        self.replies.open_turn(self.replies.by_number[-1], at).model = FILLER
        return actions

    @property
    def _waits(self) -> bool:
        """Whether a request is under way, not only the caller's typing."""
        typing = self.entry.request.call_id if self.entry.request else None
        return not self.answers.pending_results & self.running.keys() <= {typing}

    def _do(
        self, turn: Turn, given: Arguments | None, reply: Reply, at: float
    ) -> list[Action]:
        manners, name = (
            self.answers.manners,
            turn.tool_call.name if turn.tool_call else "",
        )
        if given is None:
            return self._close(turn, NOT_AN_OBJECT, at, failed=True)
        for tool in manners.tools:
            if tool.name == name:
                return self._request(turn, tool, given, at)
        match name:
            case _ if self.farewells.farewell:
                return self._close(turn, TRANSFERRING, at, failed=True)
            case _ if name == END_CALL and manners.can_end_call:
                return self._end(turn, given, reply, at)
            case _ if name == TRANSFER_CALL and manners.transfer_targets:
                return self._transfer(turn, given, reply, at)
            case _ if name == SWITCH_LANGUAGE and manners.other_languages:
                return self._change_language(turn, given, at)
            case _ if name == COLLECT_DIGITS and manners.can_collect_digits:
                return self._ask_for_keys(turn, given, reply, at)
        return self._close(turn, NO_SUCH_FUNCTION, at, failed=True)

    def _request(
        self, turn: Turn, tool: ToolSpec, given: Arguments, at: float
    ) -> list[Action]:
        assert turn.tool_call  # noqa: S101  (for the type checker)
        if not self._waits:
            self.filler_at = at + self.answers.manners.filler_delay_seconds
        self._run(turn)
        return [CallTool(turn.tool_call.call_id, tool, given)]

    def _end(
        self, turn: Turn, given: Arguments, reply: Reply, at: float
    ) -> list[Action]:
        words, reason = _sentence(given, "goodbye"), "bot-hung-up"
        closed = self._close(turn, "The call ends.", at)
        if reply.turn and not words:
            return [*closed, *self.farewells.end_after_reply(reply, reason, at)]
        goodbye = words or self.answers.manners.goodbye_message
        return [
            *closed,
            *self.farewells.say_goodbye(goodbye, reason, at, kept=not words),
        ]

    def _transfer(
        self, turn: Turn, given: Arguments, reply: Reply, at: float
    ) -> list[Action]:
        there = available_targets(
            self.answers.manners.transfer_targets, self.answers.minute_of_week(at)
        )
        named = given.get("target")
        found = [each for each in there if each.when_to_use and each.name == named]
        if not found or self.farewells.transfer_limit_reached:
            return self._close(turn, NO_TARGET_AVAILABLE, at, failed=True)
        summary = _sentence(given, "summary")
        turn.ended_at = at  # what comes of it is known when the call is back, or over
        said = reply if reply.turn else None
        leaves = self.farewells.transfer(found[0], at, summary=summary, said=said)
        return [_noted(turn), *leaves]

    def _change_language(self, turn: Turn, given: Arguments, at: float) -> list[Action]:
        language = str(given.get("language", ""))
        if not self.answers.change_language(language):
            return self._close(turn, NO_SUCH_LANGUAGE, at, failed=True)
        result = f"You and the caller now speak {language}. Go on in it."
        return [ChangeLanguage(language), *self._close(turn, result, at)]

    def _ask_for_keys(
        self, turn: Turn, given: Arguments, reply: Reply, at: float
    ) -> list[Action]:
        assert turn.tool_call  # noqa: S101  (for the type checker)
        # What the bot said before is the question, as a goodbye or a notice would be.
        question = "" if reply.turn else _sentence(given, "question")
        if self.entry.request or not (question or reply.turn):
            return self._close(turn, "Say what to ask, once.", at, failed=True)
        last = given.get("last_key", "#")
        request = DigitRequest(
            turn.tool_call.call_id,
            length=_whole(given, "length", 0, 20),
            terminator=last if last in ("#", "*") else "",
            seconds=_whole(given, "seconds", 3, 60) or 10,
            secret=given.get("secret") is True,
        )
        self._run(turn)
        asking = len(question) / CHARACTERS_PER_SECOND
        self.entry.expect(
            request, at + self.replies.playback.queued_seconds(at) + asking
        )
        if not question:
            return []
        asked = self.replies.begin(at)
        self.replies.open_turn(asked, at).model = ASKED
        speech = self.answers.speak_text
        return [speech(asked.number, question, GREETING_TTS_TIMEOUT, kept=False)]

    def _open(
        self, call_id: str, name: str, arguments: str, batch: int, at: float
    ) -> Turn:
        turn = add_tool_call(
            self.turns, name, arguments, at, call_id=call_id, batch=batch
        )
        named = (tool for tool in self.answers.manners.tools if tool.name == name)
        if (tool := next(named, None)) and tool.secrets:
            given = _parse_arguments(turn)
            assert turn.tool_call  # noqa: S101  (for the type checker)
            turn.tool_call.redacted = (
                MASK if given is None else tool.masked(given),
                "",
            )
        return turn

    def _run(self, turn: Turn) -> None:
        assert turn.tool_call  # noqa: S101  (for the type checker)
        self.running[turn.tool_call.call_id] = turn
        self.answers.pending_results.add(turn.tool_call.call_id)

    def _close(
        self,
        turn: Turn,
        result: str,
        at: float,
        *,
        failed: bool = False,
        shown: tuple[str, str] | None = None,
    ) -> list[Action]:
        """What came of a use is known: the model is told as soon as all is."""
        assert turn.tool_call  # noqa: S101  (for the type checker)
        if shown is None and turn.tool_call.redacted:  # its arguments stay secret
            shown = (turn.tool_call.redacted[0], result)
        turn.tool_call.result, turn.tool_call.failed, turn.tool_call.redacted = (
            result,
            failed,
            shown,
        )
        turn.ended_at = at
        turn.latency_ms["tool"] = milliseconds(at - turn.started_at)
        ran = self.running.pop(turn.tool_call.call_id, None)
        if ran is None or turn.tool_call.call_id in self.answers.pending_results:
            self.answers.needs_answer = self.farewells.farewell is None
        self.answers.pending_results.discard(turn.tool_call.call_id)
        if not self._waits:
            self.filler_at = math.inf
        return [_noted(turn)]


def _noted(turn: Turn) -> SaveTurn:
    return SaveTurn(
        replace(turn, tool_call=replace(turn.tool_call) if turn.tool_call else None)
    )


def _parse_arguments(turn: Turn) -> Arguments | None:
    try:
        given = json.loads(turn.tool_call.arguments if turn.tool_call else "{}")
    except (ValueError, RecursionError):
        return None
    return given if isinstance(given, dict) else None


def _sentence(given: Arguments, name: str) -> str:
    words = given.get(name)
    if not isinstance(words, str):
        return ""
    # Neither TwiML nor a database takes what cannot be printed.
    plain = "".join(each for each in words if each.isprintable() or each.isspace())
    return " ".join(plain.split())[:MAX_SENTENCE_LENGTH]


def _whole(given: Arguments, name: str, least: int, most: int) -> int:
    value = given.get(name)
    return min(max(value, least), most) if type(value) is int else 0
