"""Files of bots: written, read, refused and applied."""

import json
from random import Random
from typing import Any

import pytest

from bots.admin.bot_files.applying import apply
from bots.admin.bot_files.bot_file import BadFile, BotFile, written
from bots.admin.bot_files.reading import read
from bots.models import Bot, PhoneNumber, Secret, Tool
from bots.versions.history import versions
from tests.support.versions import bot as bot

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(bot: Bot) -> Bot:
    """A bot with everything that a file can have."""
    key = Secret(name="hook")
    key.set_value("whsec-of-the-shop")
    key.save()
    tool = Tool.objects.create(
        name="order_status",
        description="Looks up an order.",
        url="https://shop.example/orders",
        headers="X-Api-Key: {{secret.hook}}\nAuthorization: Bearer abc123",
    )
    bot.lookup_tool = tool
    bot.webhook_url, bot.webhook_secret = "https://shop.example/calls", key
    bot.save()
    bot.tools.add(tool)
    bot.targets.create(name="Support", number="+14155550124")
    bot.targets.create(name="Ann", number="+14155550123", opening_hours="daily 9-17")
    bot.menu_keys.create(key="1", action="tool", tool=tool)
    bot.menu_keys.create(key="2", action="transfer", target="Ann")
    bot.languages.create(language="de-DE", voice="Johanna", goodbye_message="Tschüss!")
    PhoneNumber.objects.create(number="+14155550100", bot=bot)
    return bot


def document(bot: Bot) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(written(bot))
    return values


def file_of(values: dict[str, Any]) -> BotFile:
    return read(json.dumps(values).encode())


def reasons(content: bytes) -> tuple[str, ...]:
    with pytest.raises(BadFile) as refused:
        apply(read(content))
    return refused.value.args


def test_a_file_is_stable_and_has_no_secrets_numbers_or_default(shop: Bot) -> None:
    text = written(shop)
    assert text == written(Bot.objects.get(pk=shop.pk))
    values = json.loads(text)
    assert list(values) == ["bot", "format", "tools", "version"]
    assert list(values["bot"]) == sorted(values["bot"])
    assert "whsec-of-the-shop" not in text
    assert "abc123" not in text
    assert "+14155550100" not in text
    assert "is_default" not in text
    assert values["bot"]["webhook_secret"] == "hook"
    assert [row["name"] for row in values["bot"]["targets"]] == ["Support", "Ann"]
    assert "Tschüss!" in text


def test_a_file_creates_the_same_bot_and_tool_elsewhere(shop: Bot) -> None:
    text = written(shop)
    shop.delete()
    Tool.objects.all().delete()
    applied = apply(read(text.encode()))
    assert applied.is_new
    assert list(applied.changes) == ["Tool “order_status”", "“Front desk”"]
    assert applied.notes == [
        "The tool “order_status” needs its header Authorization, and a file contains "
        "no keys. Write it again."
    ]
    back = Bot.objects.get(name="Front desk")
    assert not back.is_default
    expected = json.loads(text)
    expected["tools"][0]["headers"] = "X-Api-Key: {{secret.hook}}"
    assert document(back) == expected
    (version,) = versions(Bot, back.pk)
    assert version.history_change_reason == "Applied from a file"
    assert len(version.rows["targets"]) == 2


def test_the_same_file_changes_nothing(shop: Bot) -> None:
    applied = apply(read(written(shop).encode()))
    assert (applied.changes, applied.notes, applied.is_new) == ({}, [], False)
    assert versions(Bot, shop.pk).count() == 2
    tool = Tool.objects.get()
    assert "abc123" in tool.headers
    assert versions(Tool, tool.pk).count() == 1


def test_a_file_says_what_it_changes(shop: Bot) -> None:
    values = document(shop)
    values["bot"]["greeting"] = "Good evening."
    del values["bot"]["targets"][0], values["bot"]["hints"]
    values["tools"][0]["timeout_seconds"] = 3
    for dry_run in (True, False):
        applied = apply(file_of(values), dry_run=dry_run)
        assert {
            name: [(change.label, change.old, change.new) for change in changes]
            for name, changes in applied.changes.items()
        } == {
            "Tool “order_status”": [("Time limit (seconds)", "8.0", "3.0")],
            "“Front desk”": [
                ("Greeting", "Hello.", "Good evening."),
                ("Person “Support”", "Number: +14155550124", ""),
            ],
        }
        assert (Bot.objects.get().greeting == "Hello.") == dry_run
    assert Tool.objects.get().timeout_seconds == 3
    assert apply(file_of(values)).changes == {}


def test_without_the_permission_tools_stay_as_they_are(shop: Bot) -> None:
    values = document(shop)
    values["tools"][0]["timeout_seconds"] = 3
    applied = apply(file_of(values), with_tools=False)
    assert "You may not change tools" in applied.notes[0]
    assert Tool.objects.get().timeout_seconds == 8


def test_missing_tools_and_keys_are_named(shop: Bot) -> None:
    values = document(shop)
    shop.delete()
    Secret.objects.all().delete()
    Tool.objects.all().delete()
    applied = apply(file_of({**values, "tools": []}))
    assert applied.notes == [
        "There is no tool “order_status”, so the bot does not have it.",
        "The webhook is left out: there is no password or key “hook”. Add it under "
        "Passwords and keys, then apply the file again.",
    ]
    bot = Bot.objects.get()
    assert [key.key for key in bot.menu_keys.all()] == ["2"]
    assert apply(file_of(values)).notes[2] == (
        "There is no password or key “hook”, which the tool “order_status” needs. Add "
        "it under Passwords and keys."
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is not JSON: look at line 1, column 1."),
        (b'{"format": }', "The file is not JSON: look at line 1, column 12."),
        (b"\xff\xfe", "The file is not text in UTF-8."),
        (b"x" * 1_000_001, "The file is larger than 1 MB, so it is no file of a bot."),
        (b"[" * 100_000, "The file is JSON with too long numbers or lists."),
        (
            b"9" * 5_000,
            "The file is JSON with too long numbers or lists.",
        ),
        (b'{"a": 1, "a": 2}', "The file has “a” twice in one place."),
        (b'{"a": NaN}', "The file has NaN where a number belongs."),
        (b"[]", "This is no file of a bot: it lacks “format”: “voicebot bot”."),
        (
            b'{"bot": {}}',
            "This is no file of a bot: it lacks “format”: “voicebot bot”.",
        ),
        (
            b'{"format": "voicebot bot", "version": 2}',
            "This server reads version 1 of the format, not 2.",
        ),
        (
            b'{"format": "voicebot bot", "version": 1}',
            "“bot” must be an object with a “name”.",
        ),
    ],
)
def test_a_file_that_is_none_is_refused(content: bytes, reason: str) -> None:
    assert reasons(content) == (reason,)


BAD_VALUES: list[tuple[dict[str, Any], str]] = [
    ({"nmae": "x"}, "The file has “nmae” in “bot”, which this server does not know."),
    ({"temperature": "1"}, "“bot, temperature” must be a number, not text."),
    ({"is_active": 1}, "“bot, is_active” must be true or false, not a number."),
    ({"max_call_minutes": True}, "“bot, max_call_minutes” must be a whole number, not"),
    ({"max_call_minutes": 1.5}, "“bot, max_call_minutes” must be a whole number, not"),
    ({"greeting": None}, "“bot, greeting” must be text, not null."),
    ({"greeting": "a\ud800"}, "“bot, greeting”: Line 1 has a character that cannot be"),
    ({"tools": ["a", "a"]}, "“bot, tools” has a name twice."),
    ({"tools": [{}]}, "“bot, tools” must be a list of names."),
    ({"targets": {}}, "“bot, targets” must be a list of at most 100 entries."),
    (
        {"targets": [{"number": "1"}]},
        "“bot, targets, entry 1” must be an object",
    ),
    ({"targets": [{"name": "A"}] * 2}, "“bot, targets” has “A” twice."),
    ({"name": ""}, "“bot” lacks its “name”."),
    (
        {"temperature": 9},
        "“X”, Temperature: Ensure this value is less than",
    ),
    ({"llm_model": "no model"}, "“X”, AI model: Write the model as provider/name"),
    ({"webhook_url": "https://a.example/"}, "“X”, Webhook key: Choose the key that"),
    (
        {"targets": [{"name": "Ann", "number": "555"}]},
        "“X”, Person “Ann”, Number: Write the number with + and country code",
    ),
    (
        {"menu_keys": [{"key": "1", "action": "transfer", "target": "Bob"}]},
        "“X”, Key “1”: The bot has no person called “Bob”. Add a person first.",
    ),
    (
        {"menu_keys": [{"key": "x", "action": "end"}]},
        "“X”, Key “x”, Key: Select a valid choice.",
    ),
    (
        {"targets": [{"name": f"P{n}", "number": "+14155550100"} for n in range(41)]},
        "“X”: at most 40 people are possible. Delete some.",
    ),
    (
        {"languages": [{"language": "de-DE", "voice": "A", "speech_model": "x y"}]},
        "“X”, Language “de-DE”, Speech recognition model: Must not contain spaces.",
    ),
]


@pytest.mark.parametrize(("values", "reason"), BAD_VALUES)
def test_bad_values_are_refused_in_plain_words(
    values: dict[str, Any], reason: str
) -> None:
    frame = {"format": "voicebot bot", "version": 1}
    content = json.dumps({**frame, "bot": {"name": "X", **values}}).encode()
    assert any(text.startswith(reason) for text in reasons(content)), reasons(content)
    assert not Bot.objects.exists()


def test_a_bad_tool_is_refused_and_nothing_is_saved(shop: Bot) -> None:
    values = document(shop)
    values["bot"]["greeting"] = "New."
    values["tools"][0]["url"] = "shop.example"
    (reason,) = reasons(json.dumps(values).encode())
    assert reason.startswith("Tool “order_status”, Address: Write the whole address")
    shop.refresh_from_db()
    assert shop.greeting == "Hello."


def some_bot(random: Random) -> Bot:
    """A bot with settings and lists of any kind."""

    def words(count: int) -> str:
        letters = random.choices("abcäß漢 \n“'", k=random.randint(0, count))
        return "".join(letters).strip()

    bot = Bot.objects.create(
        name="Any",
        greeting=words(200),
        hints=words(50),
        is_active=random.random() < 0.5,
        max_call_minutes=random.randint(1, 240),
        temperature=random.choice([None, 0.0, random.uniform(0, 2)]),
    )
    names = [f"{letter}{words(20)}".split("\n")[0].strip() for letter in "CAB"]
    people = random.sample(names, k=random.randint(0, 3))
    for name in people:
        bot.targets.create(name=name, number="+14155550123", when_to_use=words(80))
    for key in random.sample("0123456789*#", k=4):
        bot.menu_keys.create(key=key, action="transfer", target=(people or [""])[0])
    for language in random.sample(["de-DE", "fr-FR", "ja-JP"], k=random.randint(0, 3)):
        bot.languages.create(language=language, voice="Any", goodbye_message=words(40))
    if random.random() < 0.5:
        bot.tools.create(name="look", description="x", url="https://a.example/")
    return bot


@pytest.mark.parametrize("seed", range(5))
def test_what_is_written_and_applied_is_written_again(seed: int) -> None:
    bot = some_bot(Random(seed))
    text = written(bot)
    assert apply(read(text.encode())).changes == {}
    bot.delete()
    Tool.objects.all().delete()
    apply(read(text.encode()))
    assert written(Bot.objects.get()) == text
