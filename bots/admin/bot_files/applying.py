"""A file of a bot is applied: bot and tools are created, or updated by their names."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from bots.admin.bot_files.bot_file import (
    BadFile,
    BotFile,
    Values,
    settings_of,
    used_tools,
    values_of,
)
from bots.admin.bot_files.keys_left_out import with_keys_of
from bots.admin.bot_files.saving import save
from bots.config.request_template import secrets_of
from bots.models import Bot, Secret, Tool
from bots.versions.change import Change, label_of, text_of
from bots.versions.row_changes import TOOLS, row_changes


@dataclass(frozen=True, slots=True)
class Applied:
    """Changes, by what they belong to, and notes on what is missing."""

    name: str
    pk: int | None
    is_new: bool
    changes: dict[str, list[Change]]
    notes: list[str]


def apply(file: BotFile, *, dry_run: bool = False, with_tools: bool = True) -> Applied:
    """Create or update the bot; `with_tools` also the tools. Raises BadFile.

    A setting that the file leaves out stays as it is. A dry run changes nothing, and
    neither does a file that says what is already so.
    """
    application = _Application(file)
    with transaction.atomic():
        if with_tools:
            for values in file.tools:
                application.save_tool(dict(values))
        else:
            application.leave_tools()
        applied = application.save_bot()
        if dry_run:
            transaction.set_rollback(True)
    return applied


class _Application:
    """One file while it is applied, within a transaction."""

    def __init__(self, file: BotFile) -> None:
        self.file = file
        self.changes: dict[str, list[Change]] = {}
        self.notes: list[str] = []
        self.reasons: list[str] = []

    def leave_tools(self) -> None:
        """Note that the user may not change tools."""
        if self.file.tools:
            text = "You may not change tools: those of this server stay as they are."
            self.notes.append(text)

    def save_tool(self, values: Values) -> None:
        """Create or update a tool."""
        name = values["name"]
        tool = Tool.objects.filter(name=name).first() or Tool(name=name)
        if "headers" in values:
            values["headers"], missing = with_keys_of(values["headers"], tool.headers)
            self.notes += [
                f"The tool “{name}” needs its header {header}, and a file contains no "
                "keys. Write it again."
                for header in missing
            ]
        self._save(tool, values, f"Tool “{name}”")

    def save_bot(self) -> Applied:
        """Create or update the bot. Raises BadFile with all reasons."""
        name = self.file.bot["name"]
        bot = Bot.objects.select_for_update().filter(name=name).first() or Bot(
            name=name
        )
        is_new = bot.pk is None
        self._save(bot, self._with_known_names(dict(self.file.bot)), f"“{name}”")
        if self.reasons:
            raise BadFile(*dict.fromkeys(self.reasons))
        self.notes += _missing_secrets(bot)
        return Applied(bot.name, bot.pk, is_new, self.changes, self.notes)

    def _save(self, instance: Bot | Tool, values: Values, name: str) -> None:
        before = _values_before(instance)
        with transaction.atomic():
            reasons = save(instance, values, name)
            changes = [] if reasons else list(_changes(instance, before))
            if not changes:  # and so no version “without a change”
                transaction.set_rollback(True)
        self.reasons += reasons
        if changes:
            self.changes[name] = changes

    def _with_known_names(self, bot: Values) -> Values:
        """The bot's values without tools and keys that this server does not have."""
        known = set(Tool.objects.values_list("name", flat=True))
        for name in (name for name in used_tools(bot) if name not in known):
            self.notes.append(
                f"There is no tool “{name}”, so the bot does not have it."
            )
        if TOOLS in bot:
            bot[TOOLS] = [name for name in bot[TOOLS] if name in known]
        if bot.get("lookup_tool", None) not in known | {None}:
            bot["lookup_tool"] = None
        if keys := bot.get("menu_keys"):
            is_known = [key for key in keys if key.get("tool") in known | {None}]
            bot["menu_keys"] = is_known
        secret = bot.get("webhook_secret")
        if secret and not Secret.objects.filter(name=secret).exists():
            bot |= {"webhook_secret": None, "webhook_url": ""}
            self.notes.append(
                f"The webhook is left out: there is no password or key “{secret}”. Add "
                "it under Passwords and keys, then apply the file again."
            )
        return bot


def _values_before(instance: Bot | Tool) -> Values:
    """The values of an object; those of a new one if it is not saved."""
    if instance.pk:
        return values_of(instance)
    new = {name: getattr(instance, name) for name in settings_of(type(instance))}
    return new | {"name": ""} | {name: [] for name in instance.row_lists}


def _changes(instance: Bot | Tool, before: Values) -> Iterator[Change]:
    after = values_of(instance)
    for name, field in settings_of(type(instance)).items():
        if before[name] != after[name]:
            texts = (text_of(field, values[name]) for values in (before, after))
            yield Change(label_of(field), *texts)
    rows = [{name: v[name] for name in instance.row_lists} for v in (before, after)]
    yield from row_changes(*rows, hide=False)


def _missing_secrets(bot: Bot) -> Iterator[str]:
    """Name the passwords and keys that tools and webhook of the bot lack here."""
    stored = set(Secret.objects.values_list("name", flat=True))
    tools = Tool.objects.filter(name__in=used_tools(values_of(bot)))
    users = {f"the tool “{tool.name}”": f"{tool.url}\n{tool.headers}" for tool in tools}
    users["the webhook"] = bot.webhook_url
    for user, text in users.items():
        for name in dict.fromkeys(secrets_of(text)):
            if name not in stored:
                yield (
                    f"There is no password or key “{name}”, which {user} needs. Add it "
                    "under Passwords and keys."
                )
