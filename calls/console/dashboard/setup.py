"""The set-up of the deployment on the first page: a checklist, and what is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from bots.access.scope import scope_of, visible
from bots.inworld.api_key import lacks_key
from bots.models import Bot
from calls.checks import is_loopback
from calls.console.numbers.connected import is_number_connected, phone_calls
from calls.diagnostics.account_warnings import role_findings
from calls.diagnostics.findings import Finding
from calls.diagnostics.recordings.warnings import failed_recordings, waiting_sound
from calls.diagnostics.refused_settings import refused_settings_findings
from calls.diagnostics.refused_voices import refused_voice_findings
from calls.diagnostics.secret_warnings import secret_findings
from calls.diagnostics.streaming import streaming_findings
from calls.diagnostics.warnings import (
    PORTAL,
    alert_findings,
    bot_findings,
    development_findings,
    number_findings,
    price_findings,
    setup_findings,
)
from calls.models import Call

# A bot that was saved later than this after its creation has been edited.
CREATION_TIME = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One of the first things to do; `link` is empty for users who may not do it."""

    title: str
    description: str
    link: str
    done: bool
    permission: str = "bots.view_bot"


@dataclass(frozen=True, slots=True)
class Setup:
    """The state of the set-up. `steps` are empty once all are done."""

    steps: list[SetupStep]
    problems: list[Finding]
    streaming: list[Finding]

    @property
    def done(self) -> int:
        """The number of steps that are done."""
        return sum(step.done for step in self.steps)

    @property
    def is_shown(self) -> bool:
        """True if there is anything to tell this user."""
        return bool(self.steps or self.problems or self.streaming)


def setup_of(user: Any) -> Setup:
    """The set-up as this user may see it."""
    sees_all = scope_of(user, "bots.view_bot").is_all
    # Who has a role for some bots only is told about those.
    sees_calls = scope_of(user, "calls.view_call").is_all
    steps = setup_steps(user) if sees_calls else []
    problems: list[Finding] = []
    if scope_of(user, "bots.view_phonenumber").is_all:
        problems += number_findings()
    if sees_all:
        # An open checklist says these already.
        told = development_findings() if steps else []
        problems += [each for each in setup_findings() if each not in told]
        problems += [*secret_findings(), *waiting_sound()]
    if scope_of(user, "calls.view_alertmessage").is_all:
        problems += alert_findings()
    if user.has_perm("calls.view_price"):
        problems += price_findings()
    if user.is_superuser:
        problems += role_findings()
    bots = visible(Bot.objects.filter(is_active=True), user)
    problems += [*bot_findings(bots), *refused_voice_findings(bots)]
    calls = visible(Call.objects.real(), user)
    problems += [*refused_settings_findings(calls), *failed_recordings(calls)]
    streaming = []
    if sees_calls and (not steps or steps[-1].done):
        streaming = streaming_findings(with_simulated=False)
    return Setup(steps, urgent_first(problems), streaming)


def urgent_first(findings: list[Finding]) -> list[Finding]:
    """Failures before warnings."""
    return sorted(findings, key=lambda finding: not finding.is_failure)


def setup_steps(user: Any) -> list[SetupStep]:
    """The steps to the first real call; none if all are done."""
    steps = [*_bot_steps(visible(Bot.objects.all(), user)), *_server_steps()]
    if all(step.done for step in steps):
        return []
    return [
        step if user.has_perm(step.permission) else replace(step, link="")
        for step in steps
    ]


def _bot_steps(bots: QuerySet[Bot]) -> Iterator[SetupStep]:
    found = list(bots.order_by("-is_default", "-is_active", "pk")[:2])
    bot = found[0] if found else None
    is_edited = bot and bot.updated_at - bot.created_at > CREATION_TIME
    yield SetupStep(
        "Make your first bot",
        "Give it a name, a greeting, instructions and a voice.",
        # Not the page of the example, which asks for everything at once.
        reverse("admin:bots_bot_add"),
        # `manage.py setup` makes one bot; a second one or a change is the person's own.
        bool(found[1:] or is_edited),
        "bots.add_bot",
    )
    yield SetupStep(
        "Make a test call",
        "Talk to your bot in the browser, without a phone.",
        reverse("admin:test-call", args=[bot.pk]) if bot else "",
        Call.objects.filter(is_test=True).exists(),
    )


def _server_steps() -> Iterator[SetupStep]:
    yield SetupStep(
        "Enter an Inworld key",
        "Make one in Inworld's portal and write it into the server's settings file "
        "(.env, INWORLD_API_KEY=…). Until then no real model answers.",
        PORTAL,
        not (lacks_key() or settings.SANDBOX_RUNNING),
    )
    yield SetupStep(
        "Give the server a public address",
        "Write the address at which Twilio reaches it into the server's settings file "
        f"(.env, SERVER_URL=…). Now it is {settings.SERVER_URL}.",
        reverse("admin:numbers"),
        not is_loopback(settings.SERVER_HOST),
        "bots.view_phonenumber",
    )
    yield SetupStep(
        "Connect a phone number",
        "Let Twilio send the calls of your number here. Done once you have connected "
        "one here, or its first call has come in.",
        reverse("admin:numbers"),
        is_number_connected(),
        "bots.view_phonenumber",
    )
    yield SetupStep(
        "Take the first real call",
        "Call your number with a phone, and watch the call here while it runs.",
        reverse("admin:live"),
        phone_calls().exists(),
        "calls.view_call",
    )
