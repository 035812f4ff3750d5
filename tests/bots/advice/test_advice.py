"""The remarks of the bot editor on texts, voices, models and actions."""

from typing import Any

import pytest

from bots.advice import wording
from bots.advice.advice import SPOKEN, counts, remarks, tokens
from bots.advice.form import Catalogue, FormContext
from bots.advice.wording import written_for_reading
from bots.config.capabilities import Parameter, ToolSpec
from bots.inworld.catalogue_records import LanguageModel, Voice
from bots.models import Bot
from bots.models.choices import DEFAULT_GREETING, DEFAULT_SYSTEM_PROMPT

INWORLD = Catalogue(
    [Voice("Clive", languages=["en-GB"]), Voice("Any")],
    [
        LanguageModel("openai/gpt-4.1-mini", context=9000, price_read=0.4),
        LanguageModel("openai/gpt-3", is_supported=False),
        LanguageModel("other/model"),
    ],
)
GOOD = {
    "greeting": DEFAULT_GREETING,
    "system_prompt": DEFAULT_SYSTEM_PROMPT,
    "llm_model": "openai/gpt-4.1-mini",
    "fallback_models": "other/model",
    "tts_voice": "Clive",
    "tts_model": "inworld-tts-2",
    "language": "en-US",
    "transcription_provider": "Deepgram",
}
# Every field that a remark reads.
READ = (
    *SPOKEN,
    *("system_prompt", "llm_model", "fallback_models", "tts_voice", "tts_model"),
    *("language", "transfer_number", "fillers", "variables", "time_zone"),
    *("answer_filler_seconds", "dtmf_detection", "can_collect_digits"),
    *("hints", "summary_prompt", "outcomes", "summary_fields"),
)


def remarks_text(changes: dict[str, str], inworld: Catalogue = INWORLD) -> str:
    return "\n".join(
        f"{remark.level} {remark.field}: {remark.text}"
        for remark in remarks({**GOOD, **changes}, inworld)
    )


def test_a_good_bot_needs_no_remark() -> None:
    assert remarks_text({}) == ""


def test_every_field_that_is_read_is_a_bots() -> None:
    assert set(READ) <= {field.name for field in Bot._meta.fields}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"greeting": "x" * 2001}, "warning greeting: 2,001 characters: the voice"),
        (
            {"greeting": "hello " * 100},
            "hint greeting: Callers listen for about 40 s",
        ),
        (
            {"greeting": "Hi **there**."},
            "warning greeting: Has bold text (“**there**”)",
        ),
        (
            {"goodbye_message": "- Bye\n- Bye"},
            "warning goodbye_message: Has a list (“- Bye”)",
        ),
        ({"language": "xx-US"}, "warning language: There is no language “xx”."),
        (
            {"language": "ka-GE"},
            "warning language: We have no standard sentences in ka-GE: callers hear 17 "
            "of 17 in English, such as “Are you still there?”.",
        ),
        ({"language": "jp"}, "warning language: There is no language “jp”."),
        ({"greeting": "Hi 😀"}, "greeting: Has an emoji (😀)"),
        ({"greeting": "See https://a.b/c"}, "a web address (“https://a.b/c”)"),
        ({"greeting": "See harbour-hotel.com."}, "(“harbour-hotel.com”)"),
        ({"greeting": "Write to info@a.example"}, "(“info@a.example”)"),
        ({"greeting": "Press 1️⃣"}, "an emoji (1️⃣)"),
        ({"greeting": "*Hi* there"}, "Has italic text (“*Hi*”)"),
        ({"greeting": "a ~~b~~"}, "Has crossed out text (“~~b~~”)"),
        (
            {
                "menu_keys-TOTAL_FORMS": "1",
                "menu_keys-0-key": "1",
                "menu_keys-0-action": "say",
                "menu_keys-0-message": "See a.de/b",
            },
            "menu_keys-0-message: Has a web address (“a.de/b”)",
        ),
        (
            {
                "languages-TOTAL_FORMS": "1",
                "languages-0-language": "de-DE",
                "languages-0-goodbye_message": "Tschüss 👋",
            },
            "languages-0-goodbye_message: Has an emoji (👋)",
        ),
        ({"greeting": "Hi {{ 7*7 }}"}, "“{{ 7*7 }}” cannot be filled in"),
        (
            {"greeting": "Hi {{name}, hi"},
            "“{{name}” cannot be filled in. Write {{name}}.",
        ),
        ({"greeting": "Hi {{name"}, "“{{name” cannot be filled in"),
        (
            {"greeting": "{{secret.a}}", "variables": "now = 5"},
            "it will be left out. Passwords and keys are filled in only in the "
            "requests of tools. Known are: now, caller_number, called_number, "
            "bot_name, call_sid.",
        ),
        ({"greeting": "Hi {{ name }}"}, "{{name}} is not known: it will be left out."),
        (
            {
                "goodbye_message": "Bye {{custmer.name}}",
                "variables": "customer.name = Ann\ncity",
            },
            "goodbye_message: {{custmer.name}} is not known: it will be left out. Did "
            "you mean {{customer.name}}? Known are: customer.name, city, "
            "caller_number, called",
        ),
        (
            {"consent_message": "{{a}} {{b}} {{c}} {{d}}"},
            "{{a}}, {{b}} and {{c}} are not known: they will be left out. Known",
        ),
        (
            {"fillers": "Just a moment, {{nme}}", "variables": "name"},
            "warning fillers: {{nme}} is not known",
        ),
        (
            {"fillers": "One moment, {{ my name }}."},
            "warning fillers: “{{ my name }}” cannot be filled in. Write {{my_name}}.",
        ),
        (
            {"greeting": "Hi ${name}"},
            "warning greeting: “${name}” stays as it is: nothing is filled in. If it "
            "stands for a variable, write {{name}}.",
        ),
        ({"greeting": "Hi {user.name}"}, "variable, write {{user.name}}."),
        ({"greeting": "Hi %name%!"}, "“%name%” stays as it is"),
        ({"goodbye_message": "Bye [[name]]"}, "“[[name]]” stays as it is"),
        ({"system_prompt": "Greet #{name}."}, "hint system_prompt: “#{name}” stays"),
        ({"hints": "Acme, {{shop}}"}, "hints: “{{shop}}” stays as it is: nothing is"),
        ({"summary_prompt": "Of {{now}}."}, "summary_prompt: “{{now}}” stays as it is"),
        ({"outcomes": "a, {{b"}, "outcomes: “{{b” stays as it is"),
        ({"summary_fields": "a: {{now}}"}, "summary_fields: “{{now}}” stays as it is"),
        ({"greeting": "{{nobody}}, {{ x }}!"}, "callers would hear silence"),
        (
            {"apology_message": "<prosody rate='x'>Hi</prosody>"},
            "does not know <prosody>",
        ),
        ({"greeting": '<break time="11s"/> Hi'}, "a pause of more than 10 seconds"),
        ({"greeting": '<break time="1ms"/>' * 21}, "21 pauses; the voice takes 20"),
        (
            {"greeting": "[say warmly] Hi", "tts_model": "inworld-tts-1.5-max"},
            "“[say warmly]” may be read out",
        ),
        ({"system_prompt": "# Rules\nBe kind."}, "hint system_prompt: Has a heading"),
        ({"system_prompt": "Use <phoneme>."}, "warning system_prompt: The voice does"),
        ({"system_prompt": "You serve {% shop %}."}, "“{% shop %}” cannot be"),
        ({"system_prompt": "You serve {{shop}}."}, "system_prompt: {{shop}} is not"),
        ({"system_prompt": "word " * 1500}, "190 ms and costs about $0.0008"),
        ({"system_prompt": "word " * 8000}, "openai/gpt-4.1-mini reads 9,000 at most"),
        ({"llm_model": "openai/gpt-3"}, "warning llm_model: openai/gpt-3 is retired"),
        ({"llm_model": "openai/gpt-4.1-mimi"}, "mean openai/gpt-4.1-mini?"),
        ({"fallback_models": "gone/one"}, "fallback_models: gone/one is not in Inw"),
        ({"fallback_models": GOOD["llm_model"]}, "is already the AI model."),
        ({"fallback_models": " \n"}, "hint fallback_models: None"),
        ({"tts_voice": "clive"}, "tts_voice: clive is not in Inworld"),
        ({"tts_voice": "clive"}, "Did you mean Clive?"),
        ({"language": "de-DE"}, "Clive is a voice for en-GB, but the bot speaks de-DE"),
        ({"tts_model": "inworld-tts-1"}, "warning tts_model: inworld-tts-1 is retired"),
        ({"tts_model": "inworld-tts-9"}, "hint tts_model: inworld-tts-9 is not one"),
        (
            {"tts_model": "inworld-tts-1.5-mini", "language": "sv-SE"},
            "inworld-tts-1.5-mini does not speak sv-SE",
        ),
        (
            {"tts_voice": "Any", "language": "is-IS"},
            "warning transcription_provider: Deepgram is not known to understand is-IS",
        ),
        (
            {"tts_voice": "Any", "language": "he-IL", "speech_model": "nova-2-general"},
            "warning speech_model: The speech recognition model “nova-2-general” does",
        ),
        (
            {"tts_voice": "Any", "language": "uk-UA"},
            "warning backup_voice: We know no voice of Twilio that speaks uk-UA.",
        ),
        (
            {"backup_voice": "de-DE-Neural2-F"},
            "warning backup_voice: de-DE-Neural2-F does not speak en-US.",
        ),
    ],
)
def test_a_remark(changes: dict[str, str], expected: str) -> None:
    assert expected in remarks_text(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"greeting": '[laugh] Hi. <break time="500ms" /> <verbatim>AB1</verbatim>'},
        {"greeting": "[laugh] Hi", "tts_model": "inworld-tts-2-flash"},
        {"greeting": "It costs 3 * 4, that is 12 - a bargain. 5 < 6 and 7 > 2."},
        {"system_prompt": "<rules>Be kind.</rules>"},
        {"greeting": "{{ name | there }}: {{now}}, {{caller_number}}, {{bot_name}}"},
        {"greeting": "{{customer.name}}", "variables": " customer.name = Ann"},
        {"llm_model": "auto"},
        {"tts_voice": "Any", "language": "de-DE"},
        {
            "tts_voice": "Any",
            "language": "uk-UA",
            "backup_voice": "uk-UA-Standard-A",
        },
        {"tts_voice": "", "llm_model": "", "tts_model": "", "greeting": ""},
    ],
)
def test_nothing_is_remarked(changes: dict[str, str]) -> None:
    assert remarks_text(changes) == ""


def test_without_a_list_no_voice_or_model_is_missing() -> None:
    assert (
        remarks_text({"tts_voice": "Nobody", "llm_model": "no/model"}, Catalogue())
        == ""
    )


def test_lengths_have_a_unit() -> None:
    length = counts(
        {"greeting": "x" * 1500, "goodbye_message": " ", "system_prompt": "x" * 9}
    )
    assert length == {
        "greeting": "1,500 of 2,000 characters, about 100 s of speech",
        "system_prompt": "9 characters, about 3 tokens (parts of words)",
    }
    assert tokens("東京都です") == 5


@pytest.mark.parametrize(
    "piece",
    ["<", "[", "{{", "|", "| ", "**", "`", "- ", "1. ", "#", "<break time=", "a"],
)
def test_long_odd_texts_are_read_in_one_go(piece: Any) -> None:
    text = piece * (100_000 // len(piece))
    assert remarks_text(dict.fromkeys(READ, text))


def test_a_quote_is_short_and_on_one_line() -> None:
    assert wording.shown("a\n b") == "a b"
    assert len(wording.shown("long " * 99)) == wording.MAX_QUOTE_LENGTH


# Actions


def form(listed: str, *rows: dict[str, str]) -> dict[str, str]:
    """Rows as the form sends them."""
    fields = {
        f"{listed}-{index}-{name}": value
        for index, row in enumerate(rows)
        for name, value in row.items()
    }
    return {f"{listed}-TOTAL_FORMS": str(len(rows)), **fields}


def remarks_with(context: FormContext, changes: dict[str, str]) -> str:
    listed = remarks({**GOOD, **changes}, INWORLD, context)
    return "\n".join(
        f"{remark.level} {remark.field}: {remark.text}" for remark in listed
    )


ANN = {
    "name": "Ann",
    "when_to_use": "Large orders.",
    "opening_hours": "Mon-Fri 9:00-17:00",
}
MONDAY_NOON, SUNDAY = 12 * 60, 6 * 24 * 60
TOOL = ToolSpec(
    "look_up",
    url="https://a.example/{{order_id}}?from={{caler_number}}",
    headers="Authorization: Bearer {{secret.shop}}\nX-Shop: {{shop}}",
    parameters=(Parameter("order_id"),),
    timeout_seconds=8,
)
ID = Parameter("id")
TRANSFER = {"system_prompt": "Offer to transfer the call."}


def test_tools_send_only_existing_variables() -> None:
    assert remarks_with(FormContext([TOOL]), {"variables": "shop"}) == (
        "warning tools: In look_up: {{caler_number}} is not known: it will be left "
        "out. Did you mean {{caller_number}}? Known are: shop, order_id, "
        "caller_number, called_number, bot_name, now, call_sid."
    )
    # A lookup comes before the model, which fills in arguments.
    text = remarks_with(FormContext(lookup=TOOL), {"variables": "shop\ncaler_number"})
    assert "lookup_tool: In look_up: {{order_id}} is not known" in text
    # The model reads the description of a tool before there are arguments.
    tool = ToolSpec(
        "t", "At {{shop}}.", failure_instructions="Name {{id}}.", parameters=(ID,)
    )
    text = remarks_with(FormContext([tool]), {})
    assert "tools: In t: {{shop}} and {{id}} are not known" in text
    for wrong in (
        ToolSpec("t", "At {{my shop}}."),
        ToolSpec("t", failure_instructions="{{a b"),
    ):
        assert "cannot be filled in. Write" in remarks_with(FormContext([wrong]), {})


def test_a_tool_of_a_key_gets_no_arguments() -> None:
    key = {"key": "1", "action": "tool", "tool": "7"}
    changes = {"variables": "shop\ncaler_number", **form("menu_keys", key)}
    text = remarks_with(
        FormContext(tools_by_id={"7": TOOL}), {**changes, "dtmf_detection": "on"}
    )
    assert text.startswith("warning menu_keys-0-tool: In look_up: {{order_id}} is not")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            TRANSFER,
            "warning transfer_number: The instructions mention transfers (“transfer”), "
            "but there",
        ),
        (
            TRANSFER | {"transfer_number": "+14155550100"},
            "hint transfer_number: The instructions mention transfers (“transfer”), "
            "but this nu",
        ),
        (TRANSFER | form("targets", {"name": "Ann"}), "no person below says when"),
        (
            form("targets", {"name": "Ann"}, {"name": "Bo"}),
            "hint targets-1-when_to_use: Neither the bot nor a key",
        ),
        (
            form("targets", {**ANN, "when_to_use": "{{if}}"}),
            "targets-0-when_to_use: {{if}} is not",
        ),
        (
            form("targets", {**ANN, "when_to_use": "{{a b}}"}),
            "targets-0-when_to_use: “{{a b}}” cannot be",
        ),
        (
            form("targets", ANN),
            "hint targets-0-opening_hours: Outside everybody's hours",
        ),
        (
            form("menu_keys", {"key": "1", "action": "end"}),
            "warning dtmf_detection: Swi",
        ),
        (
            {"can_collect_digits": "on"},
            "warning can_collect_digits: The bot asks for numb",
        ),
        (
            form("menu_keys", {"key": "1", "action": "say", "message": "Hi {{you}}"}),
            "warning menu_keys-0-message: {{you}} is not known",
        ),
        (
            form("menu_keys", {"key": "1", "action": "say", "message": "Hi {{a|b}c}}"}),
            "warning menu_keys-0-message: “{{a|b}c}}” cannot be",
        ),
        (
            form("languages", {"language": "de-DE", "voice": "Clive"}),
            "languages-0-voice: Clive is a voice for en-GB, but the bot speaks de-DE",
        ),
        (
            form("languages", {"language": "de-DE", "voice": "clive"}),
            "languages-0-voice: clive is not in Inworld's list. Did you",
        ),
        (
            form("languages", {"language": "en-US", "voice": "Any"}),
            "languages-0-language: The bot already speaks en-US",
        ),
        (
            form("languages", {"language": "sv-SE", "voice": "Any"})
            | {"languages-0-tts_model": "inworld-tts-1.5-mini"},
            "languages-0-tts_model: inworld-tts-1.5-mini does not speak sv-SE",
        ),
        (
            form("languages", {"language": "is-IS", "voice": "Any"}),
            "warning languages-0-transcription_provider: Deepgram is not known",
        ),
        (
            form("languages", {"language": "he-IL", "voice": "Any"})
            | {"languages-0-transcription_provider": "Google"},
            "warning languages-0-transcription_provider: Twilio has refused calls",
        ),
        ({"fillers": "One moment."}, "hint fillers: Never said"),
        (
            {"fillers": "One moment.", "answer_filler_seconds": "0.0"},
            "hint fillers: Never said",
        ),
        ({"webhook_url": "https://x.com/"}, "warning webhook_secret: Choose the key"),
    ],
)
def test_a_remark_on_what_would_not_happen(
    changes: dict[str, str], expected: str
) -> None:
    assert expected in remarks_with(FormContext(minute=SUNDAY), changes)


@pytest.mark.parametrize(
    "changes",
    [
        TRANSFER | form("targets", ANN),
        form(
            "targets",
            ANN,
            {"name": "Bo", "opening_hours": "daily 0-24", "DELETE": "on"},
        ),
        form("targets", {"name": "the only one"}),
        form("targets", ANN, {"name": "Bo"})
        | form("menu_keys", {"key": "0", "action": "transfer", "target": "Bo"})
        | {"dtmf_detection": "on"},
        form("menu_keys", {"key": "", "action": ""}),
        {"can_collect_digits": "on", "dtmf_detection": "on"},
        {"fillers": "One moment.", "answer_filler_seconds": "2.5"},
        {"fillers": "One moment."}
        | form("menu_keys", {"key": "1", "action": "tool"})
        | {"dtmf_detection": "on"},
        form("languages", {"language": "de-DE", "voice": "Any"}),
        form("targets", {"name": "Ann", "opening_hours": "whenever"}),
        {"targets-TOTAL_FORMS": "²"},
        {"webhook_url": "https://x.com/", "webhook_secret": "1"},
    ],
)
def test_nothing_is_remarked_on_what_would_happen(changes: dict[str, str]) -> None:
    assert remarks_with(FormContext(minute=MONDAY_NOON), changes) == ""


def test_a_greeting_does_not_wait_long_for_a_lookup() -> None:
    slow = {"greeting": "Hi {{name}}", "variables": "name"}
    context = FormContext(lookup=ToolSpec("crm", timeout_seconds=8))
    assert "lookup_tool: The greeting waits for it, up to 8 s" in remarks_with(
        context, slow
    )
    assert remarks_with(context, {"greeting": "Hi {{now}}"}) == ""
    assert (
        remarks_with(FormContext(lookup=ToolSpec("crm", timeout_seconds=1)), slow) == ""
    )


@pytest.mark.parametrize("count", ["1", "99999", "-1", "9" * 99])
def test_no_form_is_read_for_long(count: str) -> None:
    row = dict.fromkeys(
        ("name", "when_to_use", "opening_hours", "message", "language"), "{{a" * 999
    )
    changes = form("targets", row) | form("menu_keys", row) | form("languages", row)
    changes |= dict.fromkeys([name for name in changes if "TOTAL" in name], count)
    remarks_with(FormContext([TOOL], TOOL), changes)


@pytest.mark.parametrize(
    "greeting",
    [
        "Thanks.It is late, e.g. 9.30 at Dr. Okafor's.",
        "We like node.js and 2 * 3 * 4, Hi {{a_b}} {{c_d}}!",
        "Prices: 4 * 5, A.B. and C. D.",
    ],
)
def test_plain_words_are_not_taken_for_markup(greeting: str) -> None:
    assert list(written_for_reading(greeting)) == []
