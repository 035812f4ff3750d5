"""Tool calls: requests over HTTP, and the built-in tools. Pure.

A model's calls arrive at the end of its reply. It gets their results in the next
request, once all of them have ended.
"""

import json
import math
from dataclasses import replace
from itertools import chain

from bots.config.capabilities import MASK, ToolSpec
from bots.config.text import clean, one_line, read_json
from bots.inworld.tool_calls import ToolCall
from bots.model_json.tool_arguments import (
    Arguments,
    InvalidArguments,
    converted,
    read_arguments,
)
from calls.conversation.actions import Action, CallTool, ChangeLanguage, SaveTurn
from calls.conversation.call_state import CallState
from calls.conversation.dtmf import MASKED, DigitBuffer, DigitRequest, digits_text
from calls.conversation.ending import CallEnding
from calls.conversation.events import ToolCallEnded
from calls.conversation.replies import Reply, milliseconds
from calls.conversation.responder import GREETING_TTS_TIMEOUT, Responder
from calls.conversation.tool_definitions import tool_definitions
from calls.turns.clip import CHARACTERS_PER_SECOND
from calls.turns.lost_session import RELAY_LOST, is_pending_transfer
from calls.turns.turn import (
    COLLECT_DIGITS,
    END_CALL,
    SWITCH_LANGUAGE,
    TRANSFER_CALL,
    ToolTurn,
    TurnKind,
    add_tool_call,
    tool_turns,
)

# The longest sentence the model may have spoken or passed on, in characters.
MAX_SENTENCE_LENGTH = 500

# Results that the model reads.
NO_SUCH_FUNCTION = "There is no such function."
NO_TARGET_AVAILABLE = "Nobody of that name can be reached now. Offer something else."
NO_SUCH_LANGUAGE = "That language is not one of yours."
SPOKE_INSTEAD = "The caller typed nothing and spoke instead."
NOTHING_TYPED = "The caller typed nothing in time."
TRANSFERRING = "Too late: the caller was leaving the line already."


class ToolCalls:
    """The tool calls of one call."""

    def __init__(
        self,
        state: CallState,
        responder: Responder,
        ending: CallEnding,
        digits: DigitBuffer,
    ) -> None:
        self.state = state
        self.responder = responder
        self.ending = ending
        self.digits = digits
        self.replies = responder.replies
        self.running: dict[str, ToolTurn] = {}  # by call id
        self._waiting_since = math.inf

    def start(
        self, calls: tuple[ToolCall, ...], reply: Reply, at: float
    ) -> list[Action]:
        """Do what the model asked for at the end of a reply."""
        actions: list[Action] = []
        for call in calls:
            arguments, refusal = None, ""
            try:
                arguments = self._arguments(call, at)
            except InvalidArguments as error:
                refusal = str(error)
            written = call.arguments if arguments is None else _written(arguments)
            tool_turn = self._open(call.name, written, at, call.id, reply.number)
            record = tool_turn.record
            record.model, record.provider_fields = reply.model, call.fields
            record.reasoning = call.reasoning
            actions.append(_saved(tool_turn))
            if arguments is None:
                actions += self._close(tool_turn, refusal, at, failed=True)
            else:
                actions += self._run(tool_turn, arguments, reply, at)
        return actions

    def start_from_key(self, tool: ToolSpec, at: float) -> list[Action]:
        """Call the tool of a menu key, which the model itself need not have."""
        for _, record in self.running.values():
            if record.name == tool.name and not record.batch:
                return []  # the key was pressed before
        tool_turn = self._open(tool.name, "{}", at)
        return [_saved(tool_turn), *self._request(tool_turn, tool, {}, at)]

    def transfer_unavailable(self, name: str, at: float) -> list[Action]:
        """A menu key's target is not available: the model tells the caller so."""
        arguments = _written({"target": name} if name else {})
        tool_turn = self._open(TRANSFER_CALL, arguments, at)
        return self._close(tool_turn, NO_TARGET_AVAILABLE, at, failed=True)

    def block_reply(self) -> None:
        """Answer only after all running tool calls have ended."""
        self.state.pending_results |= self.running.keys()

    def ended(self, event: ToolCallEnded, at: float) -> list[Action]:
        """A tool returned a result, or failed."""
        tool_turn = self.running.get(event.call_id)
        if tool_turn is None:
            return []
        failed, redacted = event.failed, event.redacted
        return self._close(
            tool_turn, event.result, at, failed=failed, redacted=redacted
        )

    def digits_entered(self, at: float) -> list[Action]:
        """The requested digits are complete, or the timeout has passed."""
        is_secret = self.digits.is_secret or self.state.config.mask_dtmf
        request, keys = self.digits.request, self.digits.take(at)
        tool_turn = self.running.get(request.call_id) if request else None
        if tool_turn is None:
            return []
        if not keys:
            return self._close(tool_turn, NOTHING_TYPED, at, failed=True)
        result = f"The caller {digits_text(keys).strip('[]')}."
        masked = f"The caller {MASKED.strip('[]')}."
        redacted = (tool_turn.record.arguments, masked) if is_secret else None
        return self._close(tool_turn, result, at, redacted=redacted)

    def caller_spoke_instead(self, at: float) -> list[Action]:
        """The caller spoke: stop waiting for digits."""
        request = self.digits.cancel_request(at)
        tool_turn = self.running.get(request.call_id) if request else None
        self.block_reply()
        if tool_turn is None:
            return []
        return self._close(tool_turn, SPOKE_INSTEAD, at, failed=True)

    def cancel_all(self, at: float) -> list[Action]:
        """The caller is gone: close all tool calls, and a transfer not made yet."""
        self.digits.cancel_request(at)
        unfinished = [*self.running.values()]
        if not self.ending.is_over:
            unfinished += [
                tool_turn
                for tool_turn in tool_turns(self.state.turns)
                if is_pending_transfer(tool_turn.turn)
            ]
        closed = (self._close(each, RELAY_LOST, at, failed=True) for each in unfinished)
        return list(chain.from_iterable(closed))

    @property
    def waiting_since(self) -> float:
        """Since when the answer waits for a tool; infinity if it does not."""
        return self._waiting_since if self._is_waiting else math.inf

    @property
    def _is_waiting(self) -> bool:
        """True if the answer waits for a tool, and not only for the caller's digits."""
        request = self.digits.request
        waiting_for = self.state.pending_results & self.running.keys()
        return not waiting_for <= {request.call_id if request else None}

    # Starting a call

    def _arguments(self, call: ToolCall, at: float) -> Arguments:
        """The arguments in the types of the tool. Raises `InvalidArguments`."""
        arguments, state = read_arguments(call.arguments), self.state
        minute = state.minute_of_week(at)
        for tool in tool_definitions(state.config, minute, state.variables):
            if tool["function"]["name"] == call.name:
                return converted(arguments, tool["function"]["parameters"])
        return arguments

    def _run(
        self, tool_turn: ToolTurn, arguments: Arguments, reply: Reply, at: float
    ) -> list[Action]:
        config, name = self.state.config, tool_turn.record.name
        for tool in config.tools:
            if tool.name == name:
                return self._request(tool_turn, tool, arguments, at)
        if self.ending.final_message:
            return self._close(tool_turn, TRANSFERRING, at, failed=True)
        if name == END_CALL and config.can_end_call:
            return self._end_call(tool_turn, arguments, reply, at)
        if name == TRANSFER_CALL and config.transfer_targets:
            return self._transfer_call(tool_turn, arguments, reply, at)
        if name == SWITCH_LANGUAGE and config.other_languages:
            return self._switch_language(tool_turn, arguments, at)
        if name == COLLECT_DIGITS and config.can_collect_digits:
            return self._collect_digits(tool_turn, arguments, reply, at)
        return self._close(tool_turn, NO_SUCH_FUNCTION, at, failed=True)

    def _request(
        self, tool_turn: ToolTurn, tool: ToolSpec, arguments: Arguments, at: float
    ) -> list[Action]:
        if not self._is_waiting:
            self._waiting_since = at
        self._wait_for(tool_turn)
        return [CallTool(tool_turn.record.call_id, tool, arguments)]

    def _end_call(
        self, tool_turn: ToolTurn, arguments: Arguments, reply: Reply, at: float
    ) -> list[Action]:
        goodbye, reason = _sentence(arguments, "goodbye"), "bot-hung-up"
        closed = self._close(tool_turn, "The call ends.", at)
        if reply.turn and not goodbye:
            return [*closed, *self.ending.end_after_reply(reply, reason, at)]
        text = goodbye or self.state.config.goodbye_message
        message = self.ending.say_goodbye(text, reason, at, fixed=not goodbye)
        return [*closed, *message]

    def _transfer_call(
        self, tool_turn: ToolTurn, arguments: Arguments, reply: Reply, at: float
    ) -> list[Action]:
        targets = [
            target
            for target in self.state.available_targets(at)
            if target.when_to_use and target.name == arguments.get("target")
        ]
        if not targets or self.state.transfer_limit_reached:
            return self._close(tool_turn, NO_TARGET_AVAILABLE, at, failed=True)
        # Its result is known when the caller returns, or the call is over.
        tool_turn.turn.ended_at = at
        transfer = self.ending.transfer(
            targets[0],
            at,
            summary=_sentence(arguments, "summary"),
            announced_by=reply if reply.turn else None,
        )
        return [_saved(tool_turn), *transfer]

    def _switch_language(
        self, tool_turn: ToolTurn, arguments: Arguments, at: float
    ) -> list[Action]:
        language = str(arguments.get("language", ""))
        if not self.state.change_language(language):
            return self._close(tool_turn, NO_SUCH_LANGUAGE, at, failed=True)
        result = f"You and the caller now speak {language}. Go on in it."
        return [ChangeLanguage(language), *self._close(tool_turn, result, at)]

    def _collect_digits(
        self, tool_turn: ToolTurn, arguments: Arguments, reply: Reply, at: float
    ) -> list[Action]:
        # If the bot said something in this reply, that is the question.
        question = "" if reply.turn else _sentence(arguments, "question")
        if self.digits.request or not (question or reply.turn):
            return self._close(tool_turn, "Say what to ask, once.", at, failed=True)
        self._wait_for(tool_turn)
        asked_until = at + self.replies.playback.queued_seconds(at)
        asked_until += len(question) / CHARACTERS_PER_SECOND
        request = _digit_request(tool_turn.record.call_id, arguments)
        self.digits.expect(request, asked_until)
        if not question:
            return []
        asking = self.replies.begin(at, kind=TurnKind.DIGIT_PROMPT)
        self.replies.open_turn(asking, at)
        timeout, speak = GREETING_TTS_TIMEOUT, self.responder.speak_text
        return [speak(asking.number, question, timeout, fixed=False)]

    # The record of a call

    def _open(
        self, name: str, arguments: str, at: float, call_id: str = "", batch: int = 0
    ) -> ToolTurn:
        tool_turn = add_tool_call(
            self.state.turns, name, arguments, at, call_id=call_id, batch=batch
        )
        for tool in self.state.config.tools:
            if tool.name == name and tool.secrets:
                parsed = read_json(arguments)
                masked = tool.masked(parsed) if isinstance(parsed, dict) else MASK
                tool_turn.record.redacted = masked, ""
        return tool_turn

    def _wait_for(self, tool_turn: ToolTurn) -> None:
        self.running[tool_turn.record.call_id] = tool_turn
        self.state.pending_results.add(tool_turn.record.call_id)

    def _close(
        self,
        tool_turn: ToolTurn,
        result: str,
        at: float,
        *,
        failed: bool = False,
        redacted: tuple[str, str] | None = None,
    ) -> list[Action]:
        """Record a result. The model gets it once no other result is pending."""
        turn, record = tool_turn
        if redacted is None and record.redacted:  # the arguments stay secret
            redacted = (record.redacted[0], result)
        record.result, record.failed, record.redacted = result, failed, redacted
        turn.ended_at = at
        turn.latency_ms["tool"] = milliseconds(at - turn.started_at)
        was_running = self.running.pop(record.call_id, None) is not None
        if not was_running or record.call_id in self.state.pending_results:
            self.state.needs_answer = self.ending.final_message is None
        self.state.pending_results.discard(record.call_id)
        return [_saved(tool_turn)]


def _saved(tool_turn: ToolTurn) -> SaveTurn:
    return SaveTurn(replace(tool_turn.turn, tool_call=replace(tool_turn.record)))


def _written(arguments: Arguments) -> str:
    # A model may write half of a surrogate pair.
    return clean(json.dumps(arguments, ensure_ascii=False))


def _digit_request(call_id: str, arguments: Arguments) -> DigitRequest:
    terminator = arguments.get("last_key", "#")
    return DigitRequest(
        call_id,
        length=_integer(arguments, "length", 0, 20),
        terminator=terminator if terminator in ("#", "*") else "",
        timeout=_integer(arguments, "seconds", 3, 60) or 10,
        secret=arguments.get("secret") is True,
    )


def _sentence(arguments: Arguments, name: str) -> str:
    text = arguments.get(name)
    return one_line(text)[:MAX_SENTENCE_LENGTH] if isinstance(text, str) else ""


def _integer(arguments: Arguments, name: str, minimum: int, maximum: int) -> int:
    value = arguments.get(name)
    return min(max(value, minimum), maximum) if type(value) is int else 0
