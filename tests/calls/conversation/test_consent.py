"""The consent sentence: before the greeting, to its end, and on record."""

import dataclasses

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from bots.config_builder import config_of
from bots.models import Bot
from calls.conversation.actions import DropClips, Play, SpeakText, StartReply, StopReply
from calls.conversation.events import (
    CallConnected,
    CallEnded,
    CallerInterrupted,
    CallerSpoke,
    CallResumed,
    DtmfReceived,
    OperatorEnded,
    ReplyEnded,
)
from calls.conversation.responder import GREETING_TTS_TIMEOUT
from calls.models import Call
from calls.turns.clip_ids import REPORTED_SUFFIX
from calls.turns.turn import Turn, TurnKind
from tests.calls.conversation.test_conversation import GREETING, Talk, of, started
from tests.end_to_end.test_live import closed, dial, turns
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer

SENTENCE = "This call is recorded. If you do not agree, please hang up."


def with_consent(greeting: str = GREETING, **more: object) -> Talk:
    """Begin a call; the consent sentence was just sent to be played."""
    talk = Talk(greeting=greeting, consent_message=SENTENCE, **more)
    talk.on(CallConnected())
    (play,) = of(Play, talk.clip(1, SENTENCE, seconds=4.0))
    assert not play.interruptible
    talk.fetch(1, SENTENCE)
    return talk


def test_it_comes_before_the_greeting_and_cannot_be_interrupted() -> None:
    talk = Talk(greeting=GREETING, consent_message=SENTENCE)
    assert talk.on(CallConnected()) == [
        SpeakText(1, SENTENCE, GREETING_TTS_TIMEOUT, own_clip=True)
    ]
    talk.clip(1, SENTENCE)
    assert of(SpeakText, talk.on(ReplyEnded(1, SENTENCE))) == []
    # Nothing follows before Twilio has it.
    greeting = SpeakText(2, GREETING, GREETING_TTS_TIMEOUT)
    assert greeting in talk.fetch(1, SENTENCE)
    (play,) = of(Play, talk.clip(2, GREETING))
    assert play.interruptible


def test_it_is_on_record_with_its_time_and_no_part_of_the_history() -> None:
    talk = with_consent()
    talk.on(ReplyEnded(1, SENTENCE))
    talk.clip(2, GREETING)
    talk.on(ReplyEnded(2, GREETING))
    talk.passes()
    turn = talk.turns[0]
    assert (turn.role, turn.kind) == ("system", TurnKind.CONSENT)
    assert (turn.model, turn.interrupted) == ("", False)
    assert turn.text == turn.heard_text == SENTENCE
    assert turn.ended_at
    assert turn.ended_at > turn.started_at
    start = started(talk.on(CallerSpoke("Hi")))
    assert SENTENCE not in str(start.messages)
    assert GREETING in str(start.messages)


def test_without_a_greeting_the_caller_speaks_next() -> None:
    talk = with_consent(greeting="")
    assert of(SpeakText, talk.on(ReplyEnded(1, SENTENCE))) == []
    talk.now += 5
    assert started(talk.on(CallerSpoke("Hi")))


def test_words_before_it_could_be_made_wait_for_it() -> None:
    talk = Talk(greeting=GREETING, consent_message=SENTENCE)
    talk.on(CallConnected())
    waiting = [*talk.on(CallerSpoke("Hello?"), after=0.5), *talk.on(DtmfReceived("#"))]
    assert [*of(StopReply, waiting), *of(StartReply, waiting)] == []
    assert of(Play, talk.clip(1, SENTENCE))
    assert of(StartReply, talk.on(ReplyEnded(1, SENTENCE))) == []
    actions = talk.fetch(1, SENTENCE)
    assert started(actions).messages[-1]["content"] == "Hello? [pressed #]"
    assert of(SpeakText, actions) == []  # the caller was first: no greeting


@pytest.mark.parametrize("position", [None, 0, 1500])
def test_a_cut_line_plays_it_again_and_then_what_was_behind_it(
    position: float | None,
) -> None:
    talk = with_consent()
    talk.on(ReplyEnded(1, SENTENCE))
    talk.clip(2, GREETING)
    again = talk.on(CallerInterrupted(position), after=1.5)
    assert [play.clip.text for play in of(Play, again)] == [SENTENCE]
    talk.passes()  # nobody said anything
    talk.passes()
    assert not talk.turns[0].interrupted
    assert talk.turns[0].heard_text == SENTENCE


def test_words_during_it_take_the_greetings_place_and_leave_it_alone() -> None:
    talk = with_consent()
    talk.on(ReplyEnded(1, SENTENCE))
    talk.clip(2, GREETING)
    actions = talk.on(CallerSpoke("I want to book."), after=0.1)
    dropped = [
        clip.text for discard in of(DropClips, actions) for clip in discard.clips
    ]
    assert dropped == [GREETING]
    assert started(actions)
    talk.passes()
    assert not talk.turns[0].interrupted


def test_words_during_it_do_not_touch_it_where_there_is_no_greeting() -> None:
    talk = with_consent(greeting="")
    talk.on(ReplyEnded(1, SENTENCE))
    actions = talk.on(CallerSpoke("I want to book."), after=0.1)
    assert of(DropClips, actions) == []
    assert started(actions)
    assert not talk.turns[0].interrupted


def test_an_operator_or_the_caller_may_end_the_call_before_its_end() -> None:
    talk = Talk(greeting=GREETING, consent_message=SENTENCE)
    talk.on(CallConnected())
    talk.on(OperatorEnded())
    assert talk.core.final_message
    talk = with_consent()
    talk.on(CallEnded(), after=1)
    assert talk.turns[0].heard_text != SENTENCE
    assert talk.turns[0].interrupted or talk.turns[0].heard_text


def resumed(*before: Turn) -> list[str]:
    talk = Talk(greeting=GREETING, consent_message=SENTENCE)
    event = CallResumed(turns=tuple(before), seconds=5.0, disconnected_at=talk.now - 1)
    return [action.text for action in of(SpeakText, talk.on(event))]


def test_a_call_that_goes_on_elsewhere_hears_it_again_only_if_it_was_cut() -> None:
    begun = Turn(0, "system", 90.0, SENTENCE, kind=TurnKind.CONSENT)
    finished = dataclasses.replace(begun, heard_text=SENTENCE, ended_at=95.0)
    cut = dataclasses.replace(begun, heard_text="This", ended_at=91.0, interrupted=True)
    assert SENTENCE not in resumed(finished)
    assert resumed(cut) == resumed() == [SENTENCE]


def test_the_greeting_is_made_while_it_plays() -> None:
    config = config_of(Bot(consent_message=f" {SENTENCE} "))
    assert config.consent_message == SENTENCE
    assert config.fixed_sentences[0] == config.greeting


def test_a_sentence_that_is_another_in_each_call_is_not_made_beforehand() -> None:
    config = config_of(
        Bot(consent_message=SENTENCE, greeting="Hi {{a}}", goodbye_message="{{b|c}}")
    )
    sentences = config.fixed_sentences
    assert sentences[0] == config.apology_message
    assert not any("{{" in each for each in sentences)


@pytest.mark.django_db(transaction=True)
async def test_on_a_real_line_it_is_heard_first_and_its_page_says_so(
    server: LiveServer, inworld: FakeInworld, bot: Bot, admin_client: Client
) -> None:
    bot.consent_message = SENTENCE
    await bot.asave()
    inworld.says("Sure.")
    async with dial(server) as call:
        heard = await call.reply()
        await call.say("Book a table.")
        await call.reply()
    row = await closed(call.call_sid)
    assert [sound.kind for sound in heard] == ["clip"] * len(heard)
    said = [(t.role, t.text, t.kind) for t in await turns(row)]
    assert said[0] == ("system", SENTENCE, "consent")
    assert said[1][:2] == ("bot", bot.greeting)
    first = (await turns(row))[0]
    assert first.heard_text == SENTENCE
    assert first.ended_at
    address = f"/admin/calls/call/{row.pk}/change/"
    page = (await sync_to_async(admin_client.get)(address)).content.decode()
    assert "Consent message, played to its end" in page
    assert heard[0].source.endswith(REPORTED_SUFFIX)
    assert await Call.objects.filter(pk=row.pk, was_interrupted=False).aexists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("refused", "verdict"), [(1, "played"), (2, "not played")])
async def test_refused_on_a_real_line_it_is_read_by_twilio_or_on_record_as_not_heard(
    server: LiveServer,
    inworld: FakeInworld,
    bot: Bot,
    admin_client: Client,
    refused: int,
    verdict: str,
) -> None:
    bot.consent_message = SENTENCE
    await bot.asave()
    async with dial(server, refused_sounds=refused) as call:
        heard = await call.reply()
    assert [sound.kind for sound in heard] == [*["tts"] * (2 - refused), "clip"]
    assert len(call.errors) == refused
    row = await closed(call.call_sid)
    consent, greeting = await turns(row)
    assert consent.heard_text == (SENTENCE if refused == 1 else "")
    assert "refused" in consent.error
    assert greeting.heard_text == bot.greeting
    address = f"/admin/calls/call/{row.pk}/change/"
    page = (await sync_to_async(admin_client.get)(address)).content.decode()
    assert f"Consent message, {verdict} to its end" in page
