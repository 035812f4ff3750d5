"""Words are paired with their speech, in every order of a stream."""

import string
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.inworld.events import (
    Audio,
    Done,
    Event,
    Failed,
    Text,
    Transcript,
    Usage,
    parse,
)
from bots.inworld.segments import Segment, Segmenter
from bots.inworld.sse import EventDecoder
from tests.support.inworld.replies import EndsWhenQuiet
from tests.support.inworld.script import sample

SOUND = bytes(range(8))
IDLE = None


def collected(segmenter: Segmenter, events: Iterable[Event | None]) -> list[Segment]:
    segments = []
    for event in events:
        segments += segmenter.poll(1.0) if event is IDLE else segmenter.feed(event)
    return segments + segmenter.end()


def pairs(*events: Event | None) -> list[tuple[str, bytes]]:
    segments = collected(Segmenter(EndsWhenQuiet()), events)
    return [(segment.text, segment.pcm.data) for segment in segments]


def spoken(*chunks: bytes) -> list[tuple[str, int, int]]:
    decoder = EventDecoder()
    payloads = [payload for chunk in chunks for payload in decoder.feed(chunk)]
    payloads += decoder.end()
    events = [event for payload in payloads for event in parse(payload)]
    return [
        (segment.text, len(segment.pcm.data), segment.pcm.sample_rate)
        for segment in collected(Segmenter(EndsWhenQuiet()), events)
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("text", []),
        ("two-segments", [("Hello there.", 16), (" How can I help?", 8)]),
        ("truncated", [("Hello there.", 16), (" How can I help?", 8)]),
        ("transcript-with-data", [("Hello there.", 8)]),
        ("extra-fields", [("", 8)]),
        ("data-first", [("Hello there.", 8)]),
        ("odd-bytes", [("Hi.", 8)]),
        ("riff-header", [("Hi.", 8)]),
        ("audio-after-finish", [("", 8)]),
        ("tool-call", []),
    ],
)
def test_samples_cut_anywhere(name: str, expected: list[tuple[str, int]]) -> None:
    stream = sample(name)
    segments = [(text, size, 48_000) for text, size in expected]
    assert spoken(stream) == segments
    assert spoken(*(bytes([byte]) for byte in stream)) == segments
    for cut in range(len(stream)):
        assert spoken(stream[:cut], stream[cut:]) == segments


def test_a_segment_is_released_by_the_next_transcript() -> None:
    segmenter = Segmenter(EndsWhenQuiet())
    assert segmenter.feed(Transcript("One.")) + segmenter.feed(Audio(SOUND)) == []
    assert [segment.text for segment in segmenter.feed(Transcript(" Two."))] == ["One."]


def test_done_releases_the_rest_and_usage_does_not() -> None:
    segmenter = Segmenter(EndsWhenQuiet())
    for event in (Transcript("One."), Audio(SOUND), Usage(1, 1)):
        assert segmenter.feed(event) == []
    assert segmenter.feed(Audio(SOUND)) == []
    assert [segment.pcm.data for segment in segmenter.feed(Done())] == [SOUND * 2]
    assert segmenter.end() == []


def test_an_error_releases_what_was_spoken_before_it() -> None:
    segmenter = Segmenter(EndsWhenQuiet())
    segmenter.feed(Transcript("One."))
    segmenter.feed(Audio(SOUND))
    assert len(segmenter.feed(Failed("no", ""))) == 1


def test_several_segments_whose_transcripts_trail() -> None:
    one, two, three = b"11", b"2222", b"33"
    events = (
        *(Audio(one), Transcript("One."), Audio(two[:2]), Audio(two[2:])),
        *(Transcript(" Two."), Audio(three), Transcript(" Three.")),
    )
    assert pairs(*events) == [("One.", one), (" Two.", two), (" Three.", three)]


def test_a_trailing_transcript_releases_at_once() -> None:
    segmenter = Segmenter(EndsWhenQuiet())
    segmenter.feed(Audio(SOUND))
    assert [segment.text for segment in segmenter.feed(Transcript("One."))] == ["One."]


def test_a_trailing_transcript_may_come_in_two() -> None:
    events = (Audio(SOUND), Transcript("One"), Transcript(" and two."), Audio(b"22"))
    assert pairs(*events) == [("One and two.", SOUND), ("", b"22")]


def test_a_transcript_without_audio_joins_the_next() -> None:
    events = (Transcript("One."), Transcript("Two."), Audio(SOUND))
    assert pairs(*events) == [("One. Two.", SOUND)]


def test_a_repeated_transcript_is_ignored() -> None:
    one = (Transcript("One."), Audio(b"11"))
    assert pairs(*one, *one, *one, Transcript(" Two."), Audio(b"22")) == [
        ("One.", b"111111"),
        (" Two.", b"22"),
    ]


def test_what_the_model_wrote_twice_is_said_twice() -> None:
    no = (Transcript("No."), Audio(b"11"))
    assert pairs(Text("No. No."), *no, *no, *no) == [("No.", b"11"), ("No.", b"1111")]


@pytest.mark.parametrize(
    "start", ["Hello", "Hello,", "I said “hi”", "Dr", "¿Qué", "你好"]
)
def test_a_transcript_split_within_a_sentence_joins(start: str) -> None:
    events = (Transcript(start), Audio(b"11"), Transcript(" you."), Audio(b"22"))
    assert pairs(*events) == [(f"{start} you.", b"1122")]


@pytest.mark.parametrize(
    "sentence",
    ["Hi.", "Hi! ", "Hi…", "Hi:", "He said “hi.”", 'Hi?"', "你好。", "你好?", "(Hi.)"],
)
def test_a_sentence_end_separates(sentence: str) -> None:
    events = (Transcript(sentence), Audio(b"11"), Transcript("Next"), Audio(b"22"))
    assert pairs(*events) == [(sentence, b"11"), ("Next", b"22")]


@pytest.mark.parametrize("nothing", ["", " ", "…", "[laugh]"])
def test_a_transcript_without_words_separates_nothing(nothing: str) -> None:
    events = (Transcript("Hi."), Audio(b"11"), Transcript(nothing), Audio(b"22"))
    assert [data for _, data in pairs(*events)] == [b"1122"]


def test_idle_releases_and_the_remainder_has_no_text() -> None:
    events = (
        *(Transcript("One."), Audio(b"11"), IDLE, IDLE, Audio(b"22")),
        *(Transcript(" Two."), Audio(b"33"), Transcript(" Three."), Audio(b"44")),
    )
    assert pairs(*events) == [
        ("One.", b"11"),
        ("", b"22"),
        (" Two.", b"33"),
        (" Three.", b"44"),
    ]


def test_idle_in_the_middle_of_a_sample_keeps_the_samples_aligned() -> None:
    events = (Transcript("One."), Audio(b"123"), IDLE, Audio(b"456"))
    assert pairs(*events) == [("One.", b"12"), ("", b"3456")]


def test_idle_without_audio_releases_nothing() -> None:
    events = (Transcript("One"), IDLE, Audio(b"1"), IDLE, Audio(b"1"))
    assert pairs(*events) == [("One", b"11")]


def test_a_transcript_repeated_after_idle_labels_nothing() -> None:
    events = (Transcript("One."), Audio(b"11"), IDLE, Transcript("One."), Audio(b"22"))
    assert pairs(*events) == [("One.", b"11"), ("", b"22")]


def test_an_odd_byte_ends_with_its_segment() -> None:
    events = (Transcript("One."), Audio(b"123"), Transcript("Two."), Audio(b"45"))
    assert pairs(*events) == [("One.", b"12"), ("Two.", b"45")]


def test_a_header_in_every_chunk_is_no_sound() -> None:
    headed = Audio(SOUND, 22_050)
    segments = collected(
        Segmenter(EndsWhenQuiet()), [Transcript("One."), headed, headed, Audio(SOUND)]
    )
    assert [(s.pcm.sample_rate, s.pcm.data) for s in segments] == [(22_050, SOUND * 3)]


@pytest.mark.parametrize("rate", [None, 48_000])
def test_a_header_of_its_own_is_no_sound_before_the_transcript(
    rate: int | None,
) -> None:
    one, two = (Transcript("One."), Audio(b"11")), (Transcript(" Two."), Audio(b"22"))
    assert pairs(Audio(b"", rate), *one, *two) == [("One.", b"11"), (" Two.", b"22")]


def test_steering_tags_are_not_text() -> None:
    segmenter = Segmenter(EndsWhenQuiet())
    written = (Text("[say war"), Text("mly] Hello [sigh] there."))
    events = (*written, Transcript("[say warmly] Hello [sigh] there."), Audio(SOUND))
    assert [s.text for s in collected(segmenter, events)] == ["Hello there."]
    assert segmenter.written == "Hello there."
    assert segmenter.text_without_audio == ""


def test_an_event_of_an_unknown_kind_changes_nothing() -> None:
    assert Segmenter(EndsWhenQuiet()).feed("Hello.") == []  # type: ignore[arg-type]


def left_over(*events: Event | None) -> str:
    segmenter = Segmenter(EndsWhenQuiet())
    collected(segmenter, events)
    return segmenter.text_without_audio


def test_written_is_the_transcripts_where_no_text_was_sent() -> None:
    segmenter = Segmenter(EndsWhenQuiet())
    collected(segmenter, [Transcript("One."), Audio(SOUND), Transcript("Two.")])
    assert segmenter.written == "One. Two."
    assert segmenter.text_without_audio == "Two."


def test_text_that_never_got_audio_is_unvoiced() -> None:
    one = (Transcript("One."), Audio(SOUND))
    assert left_over(Text("One. Two.")) == "One. Two."
    assert left_over(Text("One. Two."), *one) == "Two."
    assert left_over(Text("One. $2, please."), *one) == "$2, please."
    assert left_over(Text("One. Two."), *one, Transcript(" Two.")) == "Two."
    assert left_over(Text("One. 🙂"), *one) == ""
    assert left_over() == ""


def test_numbers_spoken_as_words_do_not_unsettle_what_is_unvoiced() -> None:
    text = Text("It costs $20. Is that all right? Good.")
    spoken = (Transcript("It costs twenty dollars."), Audio(SOUND))
    more = (Transcript(" Is that all right?"), Audio(SOUND))
    assert left_over(text, *spoken, *more) == "Good."
    assert left_over(text, *spoken) == ""


def test_speech_without_words_voices_everything() -> None:
    assert left_over(Text("One. Two."), Audio(SOUND)) == ""
    assert left_over(Audio(SOUND), IDLE, Transcript("One.")) == ""
    assert left_over(Text("One."), Transcript("One."), Audio(b"1122"), IDLE) == ""


LETTERS = string.ascii_letters + "äя你"
SPOKEN = st.text(LETTERS + " .!?…,»\"'", min_size=1, max_size=12)
EVEN = st.binary(max_size=8).map(lambda data: data + data)
OTHERS = st.just(Usage(1, 2))


def letters(*texts: str) -> str:
    return "".join(filter(str.isalnum, "".join(texts)))


@given(
    st.lists(
        EVEN.map(Audio) | SPOKEN.map(Transcript) | SPOKEN.map(Text) | OTHERS | st.none()
    )
)
@settings(max_examples=200, deadline=None)
def test_no_sound_is_lost_or_reordered(events: list[Event | None]) -> None:
    sounds = [event.data for event in events if isinstance(event, Audio)]
    assert b"".join(data for _, data in pairs(*events)) == b"".join(sounds)


@given(st.lists(st.binary(max_size=5)))
@settings(max_examples=100, deadline=None)
def test_odd_cuts_lose_no_sample_at_idle(pieces: list[bytes]) -> None:
    events = [event for piece in pieces for event in (Audio(piece), IDLE)]
    sound = b"".join(pieces)
    heard = b"".join(data for _, data in pairs(Transcript("One"), *events))
    assert heard == sound[: len(sound) & ~1]


@given(
    st.lists(
        EVEN.map(Audio) | SPOKEN.map(Transcript) | OTHERS,
        unique_by=lambda event: (
            event.text if isinstance(event, Transcript) else id(event)
        ),
    )
)
@settings(max_examples=200, deadline=None)
def test_no_word_is_lost_or_reordered(events: list[Event]) -> None:
    words = [event.text for event in events if isinstance(event, Transcript)]
    segmenter = Segmenter(EndsWhenQuiet())
    texts = [segment.text for segment in collected(segmenter, events)]
    assert letters(*texts, segmenter.text_without_audio) == letters(*words)
