"""The built-in tools: ending a call, transfers, other languages."""

from dataclasses import replace

import pytest

from bots.config.capabilities import Language, MenuEntry, TransferTarget
from bots.config.phrasebook import PHRASEBOOKS
from bots.inworld.tool_calls import ToolCall
from calls.conversation.actions import (
    Action,
    CallTool,
    ChangeLanguage,
    HangUp,
    Play,
    SpeakText,
    StartReply,
)
from calls.conversation.call_state import MAX_TRANSFERS
from calls.conversation.ending import FINAL_MESSAGE_TIMEOUT, MAX_SUMMARY_WORDS
from calls.conversation.events import (
    CallEnded,
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    CallResumed,
    DtmfReceived,
    OperatorTransferred,
    ReplyEnded,
    TimerFired,
    ToolCallEnded,
)
from calls.conversation.timeouts import AFTER_GOODBYE_SECONDS
from calls.conversation.tool_calls import (
    MAX_SENTENCE_LENGTH,
    NO_SUCH_LANGUAGE,
    NO_TARGET_AVAILABLE,
    TRANSFERRING,
)
from calls.turns.lost_session import RELAY_LOST
from calls.turns.messages import RECONNECTED
from calls.turns.turn import ToolCallRecord, Turn
from tests.calls.conversation.test_conversation import Talk, of, started
from tests.calls.conversation.test_tool_calls import (
    LOOK_UP,
    call,
    call_tools,
    history_of,
    result_of,
    tool_talk,
)
from tests.support.bot_configs import bot_config
from tests.support.transfer_targets import SALES

GOODBYE, NOTICE = "Goodbye now.", "I'll put you through."
BYE = call("end_call", goodbye=" Bye,\nAnn. ")
WORDS = "one two three four"
NOBODY = replace(SALES, name="Nobody", opening_hours="Mon 9:00-9:01")


def transfer_talk(**settings: object) -> Talk:
    usual = {
        "goodbye_message": GOODBYE,
        "transfer_notice": NOTICE,
        "targets": (SALES,),
    }
    return tool_talk(**{**usual, **settings})


def spoken(actions: list[Action]) -> SpeakText:
    (sentence,) = of(SpeakText, actions)
    return sentence


def play_sentence(talk: Talk, sentence: SpeakText) -> None:
    talk.clip(sentence.reply, sentence.text)
    talk.on(ReplyEnded(sentence.reply, sentence.text))


def wait_for_hang_up(talk: Talk) -> HangUp:
    """Wait until the bot hangs up."""
    while not (ends := of(HangUp, talk.passes())):
        pass
    assert talk.core.next_deadline() is None
    return ends[0]


# The end


def test_the_models_own_words_reach_no_variable() -> None:
    bye = call("end_call", goodbye="Bye {{customer.pin}}{{a|you}}.")
    ask = call("ask_for_keys", question="Is it {{customer.pin}}{{a|so}}?")
    for wanted, words in ((bye, "Bye you."), (ask, "Is it so?")):
        talk = transfer_talk(can_collect_digits=True)
        talk.core.state.variables = {"customer.pin": "4711", "a": "x"}
        assert spoken(call_tools(talk, wanted)).text == words


def test_the_goodbye_of_the_model_is_heard_before_the_bot_hangs_up() -> None:
    talk = transfer_talk()
    goodbye = spoken(call_tools(talk, BYE))
    assert (goodbye.text, goodbye.is_cacheable) == ("Bye, Ann.", False)
    (play,) = of(Play, talk.clip(goodbye.reply, goodbye.text, seconds=3.0))
    assert not play.interruptible
    talk.on(ReplyEnded(goodbye.reply, goodbye.text))
    played_until = talk.now + 0.25 + 3.0
    assert wait_for_hang_up(talk) == HangUp("bot-hung-up")
    assert talk.now >= played_until
    assert talk.transcript()[-1] == ("bot", "Bye, Ann.", "Bye, Ann.")


def test_without_one_the_bots_own_goodbye_is_said() -> None:
    goodbye = spoken(call_tools(transfer_talk(), call("end_call")))
    assert (goodbye.text, goodbye.is_cacheable) == (GOODBYE, True)


@pytest.mark.parametrize("goodbye", [{}, None, ["Bye."], " \n"])
def test_a_goodbye_that_is_none_is_not_said(goodbye: object) -> None:
    sentence = spoken(call_tools(transfer_talk(), call("end_call", goodbye=goodbye)))
    assert sentence.text == GOODBYE


def test_a_goodbye_has_a_bearable_length() -> None:
    sentence = spoken(call_tools(transfer_talk(), call("end_call", goodbye="b" * 9999)))
    assert sentence.text == "b" * MAX_SENTENCE_LENGTH


def test_after_spoken_words_nothing_is_added() -> None:
    talk = transfer_talk()
    actions = call_tools(talk, call("end_call"), said="Then goodbye, Ann.")
    assert not of(SpeakText, actions)
    assert wait_for_hang_up(talk) == HangUp("bot-hung-up")
    assert talk.transcript()[1] == ("bot", *["Then goodbye, Ann."] * 2)


@pytest.mark.parametrize("own", [True, False])
def test_a_last_word_that_is_interrupted_is_heard_to_its_end(own: bool) -> None:
    talk = transfer_talk()
    if own:
        actions = call_tools(talk, call("end_call"), said=WORDS)
    else:
        goodbye = spoken(call_tools(talk, call("end_call", goodbye=WORDS)))
        play_sentence(talk, goodbye)
    actions = talk.on(CallerInterrupted(1000), after=1.25)
    (again,) = of(Play, actions)
    assert (again.clip.text, again.interruptible) == (WORDS, False)
    actions = talk.on(CallerSpoke("Wait!"), after=0.2)
    assert not of(StartReply, actions)
    assert wait_for_hang_up(talk) == HangUp("bot-hung-up")
    assert ("bot", WORDS, WORDS) in talk.transcript()
    assert ("caller", "Wait!", "Wait!") in talk.transcript()


def test_a_goodbye_that_never_comes_ends_the_call_all_the_same() -> None:
    talk = transfer_talk()
    call_tools(talk, BYE)
    began = talk.now
    assert wait_for_hang_up(talk) == HangUp("bot-hung-up")
    assert talk.now == began + FINAL_MESSAGE_TIMEOUT


def test_what_else_the_model_wants_is_done_while_the_goodbye_is_heard() -> None:
    talk = transfer_talk()
    actions = call_tools(talk, BYE, call("look_up", "2"))
    assert [record.tool for record in of(CallTool, actions)] == [LOOK_UP]
    goodbye = spoken(actions)
    assert not of(StartReply, talk.on(ToolCallEnded("2", "Noted.")))
    play_sentence(talk, goodbye)
    assert wait_for_hang_up(talk) == HangUp("bot-hung-up")
    assert result_of(talk, 2) == ("Noted.", False)


@pytest.mark.parametrize("first", ["end_call", "transfer_call"])
def test_of_two_last_words_the_first_counts(first: str) -> None:
    talk = transfer_talk(
        can_collect_digits=True, languages=(Language("de-DE", "Johanna"),)
    )
    transfer = call("transfer_call", "2", target="Sales", summary="Ann.")
    last = [BYE, transfer] if first == "end_call" else [transfer, BYE]
    keys = call("ask_for_keys", "3", question="Which?")
    actions = call_tools(
        talk, *last, keys, call("switch_language", "4", language="de-DE")
    )
    assert not of(ChangeLanguage, actions)
    play_sentence(talk, spoken(actions))
    ended = wait_for_hang_up(talk)
    assert ended.transfer == (None if first == "end_call" else SALES)
    results = [turn.tool_call.result for turn in talk.turns.values() if turn.tool_call]
    assert results[1:] == [TRANSFERRING] * 3


# Said goodbye, but never hung up


def play_reply(talk: Talk, words: str = "Thanks, bye!") -> float:
    """Play a reply to its end and return that time."""
    number = started(talk.on(CallerSpoke("That is all."))).reply
    talk.clip(number, words)
    talk.on(ReplyEnded(number, words))
    while talk.core.playback.pending():
        talk.passes()
    return talk.core.playback.ended_at


def test_silence_after_a_goodbye_ends_the_call() -> None:
    talk = transfer_talk(can_end_call=True, idle_timeout_seconds=9)
    ended_at = play_reply(talk)
    assert wait_for_hang_up(talk) == HangUp("bot-hung-up")
    assert talk.now == ended_at + AFTER_GOODBYE_SECONDS
    assert talk.transcript()[-1][1] == "Thanks, bye!"  # nothing is said twice


def test_who_speaks_after_a_goodbye_is_answered() -> None:
    talk = transfer_talk(can_end_call=True)
    ended_at = play_reply(talk)
    talk.on(CallerSpeaking(True), after=AFTER_GOODBYE_SECONDS - 1)
    assert not of(HangUp, talk.on(TimerFired(), after=2))
    talk.on(CallerSpeaking(False))
    assert started(talk.on(CallerSpoke("One more thing."), after=0.5))
    assert talk.now > ended_at + AFTER_GOODBYE_SECONDS


@pytest.mark.parametrize("words", ["Bye is short for goodbye, I think so.", "Well."])
def test_a_word_in_the_middle_is_no_goodbye(words: str) -> None:
    talk = transfer_talk(can_end_call=True, idle_timeout_seconds=9)
    play_reply(talk, words)
    assert spoken(talk.passes()).text == "Are you still there?"


@pytest.mark.parametrize("words", ["Shall we say bye?", "Did you say “bye?”", "Bye？"])  # noqa: RUF001
def test_a_question_is_no_goodbye(words: str) -> None:
    talk = transfer_talk(can_end_call=True, idle_timeout_seconds=9)
    play_reply(talk, words)
    assert spoken(talk.passes()).text == "Are you still there?"


def test_nobody_parts_who_has_not_heard_the_caller_yet() -> None:
    greeting = "Hello, good night."
    talk = transfer_talk(can_end_call=True, idle_timeout_seconds=9, greeting=greeting)
    talk.clip(1, greeting)
    talk.on(ReplyEnded(1, greeting))
    while not (sentences := of(SpeakText, talk.passes())):
        pass
    assert sentences[0].text == "Are you still there?"


@pytest.mark.parametrize(
    ("language", "words", "parts"),
    [
        ("nl", "Wij zijn open elke dag.", False),
        ("nl", "Ik wens u een fijne dag!", True),
        ("es", "Hola, buenas noches.", False),
        ("pt", "Olá, boa noite.", False),
        ("pt", "Obrigado, até logo.", True),
    ],
)
def test_what_also_means_something_else_is_no_goodbye(
    language: str, words: str, parts: bool
) -> None:
    phrases = PHRASEBOOKS[language].goodbye_phrases
    config = bot_config(goodbye_phrases=phrases, can_end_call=True)
    assert config.is_goodbye(words) is parts


# To a person


def test_a_caller_is_transferred_with_a_summary_after_a_notice() -> None:
    talk = transfer_talk()
    summary = "Ann  asks\nabout order 7."
    actions = call_tools(talk, call("transfer_call", target="Sales", summary=summary))
    notice = spoken(actions)
    assert notice.text == NOTICE
    play_sentence(talk, notice)
    assert wait_for_hang_up(talk) == HangUp(
        "transferred", SALES, "Ann asks about order 7."
    )


@pytest.mark.parametrize("meanwhile", ["another call", "words"])
def test_a_returning_caller_is_answered_regardless_of_what_preceded_the_notice(
    meanwhile: str,
) -> None:
    talk = transfer_talk()
    transfer = call("transfer_call", target="Sales", summary="Ann.")
    more = [call("look_up", "2")] if meanwhile == "another call" else []
    notice = spoken(call_tools(talk, transfer, *more))
    if meanwhile == "words":
        talk.on(CallerSpoke("Thank you."))
    play_sentence(talk, notice)
    assert wait_for_hang_up(talk).transfer == SALES
    back = transfer_talk()
    turns = tuple(talk.turns[index] for index in sorted(talk.turns))
    event = CallResumed(turns, talk.now, 30.0, returned="Sales is busy.")
    messages = history_of(started(back.on(event)))
    assert ("tool", "Sales is busy.") in messages
    assert messages[-1][0] == ("tool" if more else "user")


@pytest.mark.parametrize("noticed", [True, False])
def test_a_line_that_breaks_in_the_notice_leaves_a_transfer_to_be_made(
    noticed: bool,
) -> None:
    talk = transfer_talk()
    notice = spoken(
        call_tools(talk, call("transfer_call", target="Sales", summary="Ann."))
    )
    talk.clip(notice.reply, notice.text)
    talk.now += 1
    if noticed:
        talk.on(CallEnded())
        assert result_of(talk, 1) == (RELAY_LOST, True)
    back = transfer_talk()
    turns = tuple(talk.turns[index] for index in sorted(talk.turns))
    sorry = spoken(back.on(CallResumed(turns, talk.now, 30.0)))
    back.clip(sorry.reply, sorry.text)
    again = started(back.on(ReplyEnded(sorry.reply, sorry.text)))
    assert history_of(again)[-2:] == [("tool", RELAY_LOST), ("user", RECONNECTED)]
    assert not back.core.state.transfer_limit_reached


def test_a_transfer_that_was_made_is_not_undone_by_the_end_of_its_session() -> None:
    talk = transfer_talk()
    transfer = call("transfer_call", target="Sales", summary="Ann.")
    play_sentence(talk, spoken(call_tools(talk, transfer)))
    assert wait_for_hang_up(talk).transfer == SALES
    talk.on(CallEnded())
    assert result_of(talk, 1) == ("", False)


def test_what_was_said_before_is_notice_enough() -> None:
    talk = transfer_talk()
    transfer = call("transfer_call", target="Sales", summary="Ann.")
    assert not of(SpeakText, call_tools(talk, transfer, said="Sales can help."))
    assert wait_for_hang_up(talk) == HangUp("transferred", SALES, "Ann.")


@pytest.mark.parametrize(
    ("targets", "name"),
    [
        ((SALES,), "+14155550123"),
        ((SALES,), None),
        ((SALES,), ["Sales"]),
        ((SALES, NOBODY), "Nobody"),
        ((SALES, TransferTarget("Desk", "+14155550197")), "Desk"),
    ],
)
def test_only_available_targets_are_dialled(
    targets: tuple[TransferTarget, ...], name: object
) -> None:
    talk = transfer_talk(targets=targets)
    actions = call_tools(talk, call("transfer_call", target=name, summary="Ann."))
    assert history_of(started(actions))[-1] == ("tool", NO_TARGET_AVAILABLE)
    assert talk.core.final_message is None


@pytest.mark.parametrize("name", ["Nobody", ""])
def test_a_key_for_somebody_who_is_not_there_is_answered(name: str) -> None:
    menu = (MenuEntry("0", "transfer", name),)
    talk = transfer_talk(targets=(NOBODY,), menu=menu)
    start = started(talk.on(DtmfReceived("0")))
    assert history_of(start)[1:] == [
        ("assistant", ["transfer_call"]),
        ("tool", NO_TARGET_AVAILABLE),
    ]


def test_after_so_many_transfers_nobody_more_is_bothered() -> None:
    talk = transfer_talk()
    for index in range(MAX_TRANSFERS):
        record = ToolCallRecord(
            f"t{index}", "transfer_call", result="Nobody picked up."
        )
        turn = Turn(
            index, "tool", 0.0, text=record.name, tool_call=record, ended_at=1.0
        )
        talk.core.turns.append(turn)
    actions = call_tools(talk, call("transfer_call", target="Sales", summary="Ann."))
    assert history_of(started(actions))[-1] == ("tool", NO_TARGET_AVAILABLE)


@pytest.mark.parametrize("by", ["a key", "an operator"])
@pytest.mark.parametrize(
    ("said", "summary"),
    [
        (["My boiler leaks."], "My boiler leaks."),
        (["My boiler leaks.", "Yes."], "My boiler leaks."),
        (["It is this one.", "471#"], "It is this one."),
        (["word " * 99], "word " * (MAX_SUMMARY_WORDS - 1) + "word"),
        (["Hello?"], ""),
        ([], ""),
    ],
)
def test_the_person_hears_the_callers_words_where_the_model_did_not_decide(
    by: str, said: list[str], summary: str
) -> None:
    talk = transfer_talk(menu=(MenuEntry("0", "transfer", "Sales"),))
    for words in said:
        if words.endswith("#"):
            for key in words:
                talk.on(DtmfReceived(key))
        else:
            number = started(talk.on(CallerSpoke(words))).reply
            talk.clip(number, "I see.")
            talk.on(ReplyEnded(number, "I see."))
    talk.on(DtmfReceived("0") if by == "a key" else OperatorTransferred("Sales"))
    assert talk.core.final_message
    assert talk.core.final_message.summary == summary


# Another language


def bilingual_talk() -> Talk:
    return transfer_talk(languages=(Language("de-DE", "Johanna"),))


def test_the_language_is_changed_for_all_that_follows() -> None:
    talk = bilingual_talk()
    actions = call_tools(talk, call("switch_language", language="de-DE"))
    kinds = [type(action) for action in actions]
    assert kinds.index(ChangeLanguage) < kinds.index(StartReply)
    assert of(ChangeLanguage, actions) == [ChangeLanguage("de-DE")]
    start = started(actions)
    assert talk.core.config.apology_message == PHRASEBOOKS["de"].apology_message
    talk.clip(start.reply, "Gern.")
    talk.on(ReplyEnded(start.reply, "Gern."))
    back = call("switch_language", language="en-US")
    assert of(ChangeLanguage, call_tools(talk, back)) == [ChangeLanguage("en-US")]


@pytest.mark.parametrize("language", ["it-IT", "", None, {}, "de"])
def test_a_language_that_is_not_the_bots_is_refused(language: object) -> None:
    actions = call_tools(bilingual_talk(), call("switch_language", language=language))
    assert not of(ChangeLanguage, actions)
    assert history_of(started(actions))[-1] == ("tool", NO_SUCH_LANGUAGE)


def test_a_call_that_goes_on_goes_on_in_its_language() -> None:
    before = bilingual_talk()
    call_tools(before, call("switch_language", language="de-DE"))
    before.on(CallEnded())
    talk = bilingual_talk()
    turns = tuple(turn for turn in before.core.turns)
    actions = talk.on(CallResumed(turns, disconnected_at=0.0, seconds=5.0))
    assert of(ChangeLanguage, actions) == [ChangeLanguage("de-DE")]
    assert talk.core.config.goodbye_message == PHRASEBOOKS["de"].goodbye_message


def test_arguments_may_be_left_out() -> None:
    goodbye = spoken(call_tools(transfer_talk(), ToolCall("1", "end_call", "{}")))
    assert goodbye.text == GOODBYE
