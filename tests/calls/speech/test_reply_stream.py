"""The report on a streamed reply: its tool calls."""

import logging

from bots.inworld.errors import StreamTruncated
from bots.inworld.events import Reasoning, Text, ToolCallPart
from calls.logs import CallLog
from calls.speech.reply_stream import ReplyStream
from calls.speech.segment_end import SpeakingRate


def stream() -> ReplyStream:
    return ReplyStream(1, CallLog(logging.getLogger(), "CA1"), SpeakingRate())


def test_tool_calls_come_with_what_their_provider_needs_back() -> None:
    reply = stream()
    reply.feed(Reasoning({"reasoning_content": "Hm."}))
    reply.feed(ToolCallPart(0, "a", "look_up", "{}", {"extra_content": {"x": 1}}))
    report = reply.ended()
    assert [(call.fields, call.reasoning) for call in report.calls] == [
        ({"extra_content": {"x": 1}}, {"reasoning_content": "Hm."})
    ]
    assert not report.calls_lost


def test_calls_of_a_reply_that_broke_off_are_lost_and_not_made() -> None:
    reply = stream()
    reply.feed(Text("Let me look."))
    reply.feed(ToolCallPart(0, "a", "look_up", "{}"))
    reply.fail(StreamTruncated("It ended."))
    assert (reply.ended().calls, reply.ended().calls_lost) == ((), True)


def test_a_reply_that_broke_off_without_calls_has_lost_none() -> None:
    reply = stream()
    reply.feed(Text("It is on its"))
    reply.fail(StreamTruncated("It ended."))
    assert not reply.ended().calls_lost
