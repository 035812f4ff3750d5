"""The bot editor: permissions, remarks, links and hostile input."""

import re
from datetime import timedelta
from html import escape, unescape
from time import process_time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from bots.config.phrasebook import PHRASEBOOKS
from bots.models import Bot, InworldCatalogue, PhoneNumber
from calls.models import Call
from tests.support.pages.bot_form import ADVICE, FORM, editor
from tests.support.pages.bot_form import viewer as viewer

VOICES, MODELS = "/admin/bots/bot/editor/voices/", "/admin/bots/bot/editor/models/"
LISTEN = "/admin/bots/bot/editor/listen/"
WRITTEN = [
    *("name", "system_prompt", "greeting", "llm_model", "fallback_models"),
    *("tts_voice", "tts_model", "language", "speech_model", "hints", "backchannels"),
    *(
        "idle_prompt",
        "time_limit_message",
        "goodbye_message",
        "apology_message",
        "transfer_number",
    ),
    *("transfer_notice", "transcription_provider", "interruptible"),
    *(
        "interrupt_sensitivity",
        "max_reply_tokens",
        "temperature",
        "idle_timeout_seconds",
    ),
    *("idle_reprompts", "max_call_minutes"),
]
HOSTILE: dict[str, Any] = {
    "100 KB": "x" * 100_000,
    "digits": "9" * 100_000,
    "right to left": "\u202e\u0645\u0631\u062d\u0628\u0627\u202c \u2067x",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈",
    "script": "<script>alert(1)</script>",
    "quotes": '"><img src=x onerror=alert(1)>',
    "template": "{{ 7*7 }}{% now 'Y' %}",
    "SSML": "<speak><prosody rate='fast'>Hi</prosody></speak>",
    "NUL": "a\0b",
    "control": "a\x1b[2Jb",
    "surrogate": b"a\xed\xa0\xbdb",
    "not UTF-8": b"\xff\xfe",
    "lines": "\r\n" * 5000,
    "number": "NaN",
    "large": "1e999",
}


def test_viewers_cause_no_requests_to_inworld(viewer: Client) -> None:
    assert viewer.get(MODELS).status_code == 200
    assert viewer.post(MODELS).status_code == 403
    assert viewer.post(LISTEN).status_code == 403
    bot = Bot.objects.create(name="Front desk")
    page = viewer.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()
    assert "bots/editor.js" not in page
    assert bot.tts_voice in page


def test_a_new_default_bot_takes_the_place_of_the_one_before(
    admin_client: Client,
) -> None:
    old = Bot.objects.create(name="Old", is_default=True)
    saved = {**FORM, "is_default": "on"}
    page = admin_client.post(editor(), saved, follow=True)
    assert "“Old” is no longer the default bot." in page.content.decode()
    assert Bot.objects.get(is_default=True).name == "Front desk"
    assert old.history.latest().is_default is False


@pytest.mark.django_db
@pytest.mark.parametrize("path", [VOICES, MODELS, LISTEN, ADVICE])
def test_the_editor_is_for_staff_who_may_see_bots(client: Client, path: str) -> None:
    assert client.post(path).status_code == 302
    nobody = User(username="nobody", is_staff=True)
    nobody.save()
    client.force_login(nobody)
    assert client.post(path).status_code == 403


def test_advice_is_given_on_an_unsaved_form(admin_client: Client) -> None:
    InworldCatalogue.objects.create(kind="voices", entries=[{"id": "Clive"}])
    answer = admin_client.post(ADVICE, {**FORM, "tts_voice": "clive"}).json()
    assert answer["counts"]["greeting"].startswith("52 characters")
    assert answer["remarks"] == [
        {
            "field": "tts_voice",
            "text": "clive is not in Inworld's list. Did you mean Clive?",
            "level": "warning",
        }
    ]
    broken = {"greeting": HOSTILE["surrogate"]}
    assert admin_client.post(ADVICE, broken).status_code == 200


@pytest.mark.parametrize(
    ("webhook", "remarks"),
    [
        ("http://10.0.0.5/hook", ["Nothing will reach it. Its host has no public"]),
        (
            "https://other.example/",
            ["Nothing will reach it. TOOL_ALLOWED_HOSTS does not name"],
        ),
        ("https://crm.example/hook", []),
        ("http:/", []),  # not typed to its end
        ("", []),
    ],
)
def test_an_unreachable_webhook_gets_a_remark(
    webhook: str, remarks: list[str], admin_client: Client, settings: Settings
) -> None:
    settings.TOOL_ALLOWED_HOSTS = ["crm.example", "crm", "10.0.0.5"]
    form = {**FORM, "webhook_url": webhook, "webhook_secret": "1"}
    answer = admin_client.post(ADVICE, form).json()
    texts = [remark["text"] for remark in answer["remarks"]]
    pairs = zip(texts, remarks, strict=True)
    assert all(text.startswith(remark) for text, remark in pairs)
    assert {remark["field"] for remark in answer["remarks"]} <= {"webhook_url"}


def test_warnings_never_block_saving_and_are_repeated_after_it(
    admin_client: Client,
) -> None:
    wanted = {**FORM, "greeting": "**Hi** <b>{{ you }}</b>"}
    page = admin_client.post(editor(), wanted, follow=True)
    assert Bot.objects.get().greeting == wanted["greeting"]
    text = page.content.decode()
    assert "Greeting: Has bold text (“**Hi**”)" in text
    assert "does not know &lt;b&gt;" in text


def test_an_empty_time_zone_is_explained(admin_client: Client) -> None:
    page = admin_client.get(editor()).content.decode()
    assert "Empty: the time zone of the page Settings." in page


def test_the_page_links_to_calls_numbers_and_the_test_call(
    admin_client: Client,
) -> None:
    bot = Bot.objects.create(name="Front desk")
    page = admin_client.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()
    lists = [
        f"/admin/{path}/?bot__id__exact={bot.pk}"
        for path in ("calls/call", "bots/phonenumber")
    ]
    for path in (*lists, f"/admin/test-call/{bot.pk}/"):
        assert f'href="{path}"' in page
    assert all(admin_client.get(path).status_code == 200 for path in lists)
    assert f"/admin/bots/bot/{bot.pk}/history/" in page
    tabs = re.findall(r'<a href="#([\w-]+)" id="tab-', page)
    assert len(tabs) == 5
    assert all(f'id="{tab}" aria-labelledby="tab-{tab}"' in page for tab in tabs)
    for path in (VOICES, MODELS, LISTEN, ADVICE):
        assert f'"{path}"' in page
    assert "style=" not in page.partition("<form")[2].partition("</form>")[0]


def test_the_list_of_bots_counts_the_calls_of_a_week(admin_client: Client) -> None:
    bot = Bot.objects.create(name="Front desk", is_default=True, is_active=False)
    Bot.objects.create(name="Idle")
    now = timezone.now()
    for number, (days, is_test) in enumerate([(1, 0), (6, 0), (8, 0), (1, 1)]):
        Call.objects.create(
            call_sid=f"CA{number}",
            bot=bot,
            started_at=now - timedelta(days=days),
            is_test=bool(is_test),
        )
    page = admin_client.get("/admin/bots/bot/?o=4").content.decode()
    link = re.search(r'<a href="(/admin/calls/call/\?bot__id[^"]*)">2</a>', page)
    assert link
    results = admin_client.get(unescape(link[1])).context["cl"].result_list
    assert {call.call_sid for call in results} == {"CA0", "CA1"}
    assert "Switched off" in page
    assert "default bot" in page
    assert "No number yet" in page
    assert "Answers calls" not in page
    PhoneNumber.objects.create(
        number="+14155550100", bot=Bot.objects.get(name="Idle"), is_active=False
    )
    assert "No number yet" in admin_client.get("/admin/bots/bot/").content.decode()
    PhoneNumber.objects.update(is_active=True)
    assert "Answers calls" in admin_client.get("/admin/bots/bot/").content.decode()


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_input_is_stored_or_refused_at_its_field(
    admin_client: Client, kind: str
) -> None:
    hostile = {**FORM, **dict.fromkeys(WRITTEN, HOSTILE[kind])}
    response = admin_client.post(editor(), hostile)
    assert response.status_code == 200, "a model id takes none of these"
    page = response.content.decode()
    assert_escaped(page)
    refused = {field for field in WRITTEN if f'id="id_{field}_error"' in page}
    accepted = {**hostile, **{field: FORM.get(field, "") for field in refused}}
    assert admin_client.post(editor(), accepted).status_code == 302
    bot = Bot.objects.get()
    bot.full_clean()
    for path in ("", f"{bot.pk}/change/"):
        assert_escaped(admin_client.get(f"/admin/bots/bot/{path}").content.decode())


@pytest.mark.parametrize("kind", ["NUL", "control", "100 KB"])
def test_unprintable_or_too_long_text_is_refused(
    admin_client: Client, kind: str
) -> None:
    hostile = {**FORM, **dict.fromkeys(WRITTEN, HOSTILE[kind])}
    page = admin_client.post(editor(), hostile).content.decode()
    assert not [field for field in WRITTEN if f'id="id_{field}_error"' not in page]


def assert_escaped(page: str) -> None:
    for name in ("script", "quotes"):
        assert HOSTILE[name] not in page


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_numbers_are_refused_at_the_number(
    admin_client: Client, kind: str
) -> None:
    usual = {"is_active": "on", "max_concurrent_calls": "0", "when_closed": "message"}
    pasted = {**usual, "number": HOSTILE[kind], "label": "Desk"}
    response = admin_client.post("/admin/bots/phonenumber/add/", pasted)
    assert 'id="id_number_error"' in response.content.decode()
    labelled = {**usual, "number": "+14155550100", "label": HOSTILE[kind]}
    response = admin_client.post("/admin/bots/phonenumber/add/", labelled)
    if response.status_code == 302:
        assert PhoneNumber.objects.exists()
        assert_escaped(admin_client.get("/admin/bots/phonenumber/").content.decode())
    else:
        assert 'id="id_label_error"' in response.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("system_prompt", "x" * 50_001, "at most 50000 characters (it has 50001)"),
        ("hints", "x" * 4001, "at most 4000 characters"),
        ("backchannels", "x" * 4001, "at most 4000 characters"),
        ("fallback_models", "a/b\nnot a model", "Line 2, “not a model”: Write the"),
        ("greeting", "Hello\r\nHi\x1b", "Line 2 has a character that cannot be stored"),
        ("goodbye_message", "a\x0bb", "U+000B"),
        (
            "variables",
            "shop\nsecret.key = 1",
            "Line 2: names that begin with secret. are",
        ),
        (
            "webhook_url",
            "https://crm.example/{{secret.key}}?of={{bot_name}}",
            "Nothing fills in {{bot_name}} here: write it out. Only pass",
        ),
    ],
)
def test_a_refusal_says_what_to_change(
    admin_client: Client, field: str, value: str, words: str
) -> None:
    response = admin_client.post(editor(), {**FORM, field: value})
    assert escape(words, quote=False) in response.content.decode()


def test_a_bot_made_without_a_form_is_held_to_the_same_limits() -> None:
    bot = Bot(
        name="a\ud83d", system_prompt="x" * 50_001, goodbye_message="\0", hints="\ud83d"
    )
    with pytest.raises(ValidationError) as caught:
        bot.clean_fields()
    refused = {"name", "system_prompt", "goodbye_message", "hints"}
    assert set(caught.value.message_dict) == refused


def test_an_empty_sentence_shows_what_the_bot_says_instead(
    admin_client: Client,
) -> None:
    bot = Bot.objects.create(name="Ada", language="pt_BR")
    bot.languages.create(language="ja-JP", voice="Asuka")
    page = admin_client.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()
    for language in ("pt", "ja"):
        standard = PHRASEBOOKS[language].screening_declined
        assert f'placeholder="{standard}"' in page
    own = {"busy_message": "Call later, {{ name | default: 'dear' }}."}
    answer = admin_client.post(editor(), {**FORM, **own})
    assert "Write {{name|dear}}." in unescape(answer.content.decode())


def hostile_form() -> dict[str, str]:
    """A form of a megabyte with thousands of names, none of which is known."""
    texts = ("greeting", "system_prompt", "idle_prompt", "transfer_notice", "fillers")
    names = [f"{number:05d}{'abcde' * 7}" for number in range(5000)]
    unknown = " ".join(f"{{{{x{name}}}}}" for name in names[:2000])
    rows = {"menu_keys-TOTAL_FORMS": "100"}
    for row in range(100):
        said = {"key": "1", "action": "say", "message": unknown[:2000]}
        rows |= {f"menu_keys-{row}-{name}": text for name, text in said.items()}
    return {**dict.fromkeys(texts, unknown), **rows, "variables": "\n".join(names)}


def test_advice_on_a_hostile_form_takes_seconds_at_most(admin_client: Client) -> None:
    before = process_time()
    answer = admin_client.post(ADVICE, {**FORM, **hostile_form()})
    assert process_time() - before < 5
    assert len(answer.json()["remarks"]) < 100


def test_only_editors_get_advice(viewer: Client) -> None:
    assert viewer.post(ADVICE, FORM).status_code == 403


@pytest.mark.parametrize(
    "url", ["https://xn--a/", "https://\u00df.xn--/", "https://a..b/"]
)
def test_an_address_that_cannot_be_is_no_error(admin_client: Client, url: str) -> None:
    assert admin_client.post(ADVICE, {**FORM, "webhook_url": url}).status_code == 200


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Mo 9-12", {"week": [[[540, 720]], [], [], [], [], [], []]}),
        ("", {"week": []}),
        ("late", {"problem": "“late” is not understood. "}),
        ("9" * 90_000, {"problem": "“999"}),
    ],
)
def test_opening_hours_as_text_become_a_week_or_a_problem(
    viewer: Client, text: str, answer: dict[str, Any]
) -> None:
    found = viewer.get("/admin/bots/bot/editor/hours/", {"text": text}).json()
    if "problem" in answer:
        assert found["problem"].startswith(answer["problem"])
    else:
        assert found == answer
