"""Keeps from the caller what a model writes for machines among its words. Pure.

Some models, or the servers that run them, leave thoughts and function calls in the text
of a reply instead of fields of their own. The Router speaks them like everything else.
"""

import json
import re
from dataclasses import replace

from bots.inworld.events import (
    Audio,
    Done,
    Event,
    Text,
    ToolCallPart,
    Transcript,
    tool_call_part,
)
from bots.model_json.loose_json import objects_in

# Beginnings as patterns, and their ends; without one, all that follows is hidden.
HIDDEN = (
    (
        r"<(?:think|thinking|thought|reasoning)>",
        r"</(?:think|thinking|thought|reasoning)>",
    ),
    # Hermes, Qwen, GLM, Anthropic, Google
    (r"<(?:tool_calls?|function_calls?|tool_code)>", r"</(?:tool_|function_)\w{1,9}>"),
    (r"<function=", r"</function>"),  # Llama, Qwen
    (r"<invoke\s", r"</invoke>"),
    (r"<\|channel\|>analysis", r"<\|end\|>"),  # gpt-oss
    # Llama, Kimi, DeepSeek, gpt-oss, Phi
    (r"<[|\uff5c](?:python_tag|tool|channel\|>commentary)", None),
    (r"\[TOOL_CALLS\]", None),  # Mistral
    (r"```\w{0,12}\s*(?=[{\[])", None),  # JSON
    (r"(?=\{\s*[\"'])", None),
    # Marks without a part: between the parts of a message, at its end, and ends whose
    # beginning the server took away.
    (r"<\|start\|>\w{0,20}(?=\W)|<\|channel\|>final", ""),
    (r"<[|\uff5c](?!start|channel)[^<>\s]{1,30}[|\uff5c]>|</?s>", ""),
    (r"</(?:think|thinking|thought|reasoning|tool_call|function)>", ""),
)
BEGINNING = re.compile("|".join(f"({pattern})" for pattern, _ in HIDDEN), re.IGNORECASE)
# The end of a text that may go on as a beginning.
UNCERTAIN = re.compile(
    r"(?:`{1,3}\w{0,12}\s*|<[^<>\s]{0,30}|<\|(?:channel|start)\|>\w{0,20}"
    r"|\[[A-Z_]{0,11}|\{\s*)\Z",
    re.IGNORECASE,
)
MAX_END_LENGTH = 30
FUNCTION = re.compile(
    r"(?:<function=)?([\w.-]{1,80})>(.*?)(?:</function>|\Z)", re.DOTALL
)
PARAMETER = re.compile(r"<parameter=([\w.-]+)>\s*(.*?)\s*</parameter>", re.DOTALL)


class UnspokenFilter:
    """Takes what is not for the caller out of the events of one reply.

    The sound after a hidden part may contain it. It is left out, and the words are
    synthesised at the end, like all words that came without sound.
    """

    def __init__(self) -> None:
        self._text, self._transcript = _TextFilter(), _TextFilter()

    def feed(self, event: Event) -> list[Event]:
        """Return what the caller may hear of an event, and the calls in it."""
        match event:
            case Text(text):
                return self._shown(self._text.feed(text))
            case Transcript(text):
                visible = self._transcript.feed(text)
                return [Transcript(visible)] if visible else []
            case Audio() if self._text.has_hidden or self._transcript.has_hidden:
                return []
            case Done():
                return [*self._shown(self._text.end()), event]
        return [event]

    def _shown(self, text: str) -> list[Event]:
        hidden, self._text.hidden = self._text.hidden, []
        calls = [call for part in hidden for call in _calls_in(part)]
        return [*([Text(text)] if text else []), *calls]


class _TextFilter:
    """Cuts hidden parts out of a text that comes in pieces."""

    def __init__(self) -> None:
        self.has_hidden = False
        self.hidden: list[str] = []  # complete parts that nobody has read yet
        self._held = ""  # not decided yet
        self._end: str | None = ""  # of the hidden part; empty outside of one
        self._searched = 0  # how much of the hidden part has no end in it

    def feed(self, text: str) -> str:
        """Add a piece; return the visible text that is certain by now."""
        self._held += text
        visible = ""
        while self._end == "" or self._leave():
            beginning = BEGINNING.search(self._held)
            certain = beginning or UNCERTAIN.search(self._held)
            end = certain.start() if certain else len(self._held)
            visible += self._held[:end]
            self._held = self._held[beginning.end() if beginning else end :]
            if not beginning:
                break
            self.has_hidden, self._searched = True, 0
            self._end = HIDDEN[(beginning.lastindex or 1) - 1][1]
        return visible

    def end(self) -> str:
        """Return the visible rest: nothing more will come."""
        rest, self._held = self._held, ""
        if self._end == "":
            return rest
        self.hidden.append(rest)
        return ""

    def _leave(self) -> bool:
        """Go on behind the hidden part; false if its end has not come yet."""
        if self._end is None:
            return False
        end = re.compile(self._end, re.IGNORECASE).search(self._held, self._searched)
        if not end:
            self._searched = max(len(self._held) - MAX_END_LENGTH, 0)
            return False
        self.hidden.append(self._held[: end.start()])
        self._held, self._end = self._held[end.end() :], ""
        return True


def _calls_in(text: str) -> list[ToolCallPart]:
    """The function calls in a hidden part, in the forms of Hermes, Llama and Qwen."""
    if (function := FUNCTION.match(text.strip())) and "{" not in function[1]:
        parameters = dict(PARAMETER.findall(function[2]))
        arguments = json.dumps(parameters) if parameters else function[2].strip()
        return [ToolCallPart(None, "", function[1], arguments, is_text=True)]
    parts = (tool_call_part(None, found) for found in objects_in(text))
    return [replace(part, is_text=True) for part in parts if part.name]
