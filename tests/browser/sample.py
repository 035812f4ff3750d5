"""Sample content for every page of the console, plain or hostile."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from django.contrib.auth import get_user_model
from django.utils import timezone

from bots.admin.editor.tabs import TABS
from bots.config_builder import config_of
from bots.models import Bot, Outage, PhoneNumber, Secret, Tool
from bots.versions.history import versions
from calls.costs.settling import settle_call
from calls.models import (
    Alert,
    AlertChannel,
    AlertMessage,
    AlertRule,
    Budget,
    Call,
    PostCallTask,
    SavedView,
)
from calls.transcripts.closing import complete
from tests.pictures.sample_calls import Script
from tests.support.recordings import record_turns

# Text that may break a page: markup, templates, speech markup, writing direction.
HOSTILE = (
    "</script><script>window.broken=1</script><img src=/broken onerror=broken=1>"
    '"\'><svg onload=broken=1>{{ 7919*7919 }}{% now "Y" %}<break time="9s"/></speak>'
    "&lt;b&gt; \u202eשלום مرحبا 👩‍👩‍👧‍👦 " + "W" * 60  # noqa: RUF001
)
NUMBER = "+15005550142"


@dataclass(frozen=True)
class Sample:
    """The objects that the pages show."""

    bot: Bot
    number: PhoneNumber
    call: Call
    tool: Tool
    secret: Secret
    alert: Alert = field(default_factory=Alert)
    # Primary keys: an earlier version of the bot, an after-call task, a person,
    # a budget.
    version: int = 1
    task: int = 1
    person: int = 1
    budget: int = 1

    @property
    def pages(self) -> dict[str, str]:
        """The console's pages by name."""
        bot, admin = self.bot.pk, "/admin/"
        alert, calls = self.alert, f"{admin}calls"
        return {
            "home": admin,
            "statistics": f"{admin}statistics/",
            "bots": f"{admin}bots/bot/",
            **{
                f"editor {tab.slug}": f"{admin}bots/bot/{bot}/change/#{tab.slug}"
                for tab in TABS
            },
            "new bot": f"{admin}bots/bot/add/",
            "history": f"{admin}bots/bot/{bot}/history/",
            "version": f"{admin}bots/bot/{bot}/history/{self.version}/",
            "delete a bot": f"{admin}bots/bot/{bot}/delete/",
            "import a bot": f"{admin}bots/bot/import/",
            "signed in again": f"{admin}session/back/",
            "tools": f"{admin}bots/tool/",
            "tool": f"{admin}bots/tool/{self.tool.pk}/change/",
            "try a tool": f"{admin}bots/tool/{self.tool.pk or 0}/try/",
            "secret": f"{admin}bots/secret/{self.secret.pk}/change/",
            "test call": f"{admin}test-call/{bot}/",
            "numbers": f"{admin}bots/phonenumber/",
            "number": f"{admin}bots/phonenumber/{self.number.pk}/change/",
            "Twilio": f"{admin}numbers/",
            "test a number": f"{admin}numbers/preview/?number=%2B{NUMBER[1:]}",
            "announce an outage": f"{admin}numbers/outage/",
            "calls": f"{admin}calls/call/",
            "filtered calls": f"{admin}calls/call/?when=today&q=a",
            "exported files": f"{admin}exports/",
            "call": f"{admin}calls/call/{self.call.pk}/change/",
            "post_call_tasks": f"{admin}calls/postcalltask/",
            "post_call_task": f"{calls}/postcalltask/{self.task}/change/",
            "alert rules": f"{calls}/alertrule/",
            "alert rule": f"{calls}/alertrule/{alert.rule_id}/change/",
            "alert channels": f"{calls}/alertchannel/",
            "alert channel": f"{calls}/alertchannel/{alert.channel_id}/change/",
            "alerts sent": f"{calls}/alertmessage/",
            "alert": f"{calls}/alertmessage/{alert.message_id}/change/",
            "budgets": f"{calls}/budget/",
            "budget": f"{calls}/budget/{self.budget}/change/",
            "prices": f"{calls}/price/",
            "new price": f"{calls}/price/add/",
            "calculate costs again": f"{calls}/price/again/",
            "live": f"{admin}live/",
            "people": f"{admin}auth/user/",
            "person": f"{admin}auth/user/{self.person}/change/",
            "changes of a person": f"{admin}auth/user/{self.person}/history/",
            "new person": f"{admin}auth/user/add/",
            "invitations": f"{admin}invitations/",
            "site settings": f"{admin}settings/site/",
            "forgotten password": f"{admin}forgotten-password/",
            "settings": f"{admin}settings/",
            "two-factor sign-in": f"{admin}two-factor/",
            "password": f"{admin}password_change/",
            "new number": f"{admin}bots/phonenumber/add/",
            "deleted bots": f"{admin}bots/bot/deleted/",
            "secrets": f"{admin}bots/secret/",
            "blocked callers": f"{admin}calls/blockedcaller/",
            "block a caller": f"{admin}calls/blockedcaller/add/",
            "paste blocked callers": f"{admin}calls/blockedcaller/paste/",
            "erase": f"{admin}erase/",
            "sign-ins": f"{admin}calls/auditevent/",
            "groups": f"{admin}auth/group/",
        }


PAGES = list(Sample(Bot(), PhoneNumber(), Call(), Tool(), Secret()).pages)
# The pages that show words of bots, their tools and callers.
PAGES_WITH_WORDS = {
    *("home", "budgets", "budget"),
    *("alert rules", "alert rule", "alert channels", "alert channel"),
    *("alerts sent", "alert"),
    *("version", "delete a bot", "post_call_task"),
    *(f"editor {tab.slug}" for tab in TABS),
    *("statistics", "bots", "history", "test call", "numbers", "number"),
    *("calls", "filtered calls", "call", "post_call_tasks"),
    *("tools", "tool", "try a tool", "secret", "secrets"),
    *("test a number", "announce an outage", "new number"),
}


def plain(**settings: str) -> Sample:
    """Create an edited bot, its number, and a call with every kind of turn."""
    bot = Bot.objects.create(name="Front desk", is_default=True, **settings)
    bot.system_prompt += " You are Sam."
    bot.save()
    return _called(bot, "Reception", "+15005550001", "Do you have a table for four?")


def answering(**settings: str) -> Sample:
    """Create the plain sample without its outage, so that calls reach the bot."""
    sample = plain(**settings)
    Outage.objects.all().delete()
    return sample


def hostile() -> Sample:
    """Create the same objects with text that may break pages."""
    bot = Bot(name=HOSTILE[:80], is_default=True, system_prompt=HOSTILE)
    bot.greeting = bot.apology_message = bot.goodbye_message = bot.hints = (
        bot.time_limit_message
    ) = HOSTILE
    bot.save()
    bot.system_prompt = f"{HOSTILE} again\n{HOSTILE}"
    bot.save()
    return _called(bot, HOSTILE[:80], HOSTILE[:120], HOSTILE)


def _enable(bot: Bot, words: str) -> None:
    """Give the bot a transfer target, menu keys, a language and a tool."""
    tool = Tool.objects.create(
        name="look_up", description=words, url="https://shop.example/{{order_id}}"
    )
    bot.tools.add(tool)
    bot.variables = "customer.name = Ann"
    bot.save()
    bot.targets.create(
        name=words[:60],
        number=NUMBER,
        when_to_use=words,
        opening_hours="daily 0:00-24:00",
    )
    bot.menu_keys.create(key="0", action="transfer", target=words[:60])
    bot.menu_keys.create(key="1", action="say", message=words)
    bot.languages.create(language="de-DE", voice="Clive")


def _called(bot: Bot, label: str, caller: str, words: str) -> Sample:
    _enable(bot, words)
    number = PhoneNumber.objects.create(
        number=NUMBER,
        label=label,
        bot=bot,
        opening_hours="daily 0:00-24:00",
        special_days=f"12-24: closed ({words[:60].splitlines()[0]})",
        closed_message=words,
    )
    Outage.objects.create(message=words, set_by="ann")
    call = Call.objects.create(
        call_sid="CA" + "5" * 32,
        bot=bot,
        bot_name=bot.name,
        from_number=caller,
        to_number=NUMBER,
        settings=config_of(Bot.objects.with_related().get()).to_json(),
        variables={"customer.name": words},
        status=Call.Status.COMPLETED,
        started_at=timezone.now() - timedelta(minutes=5),
        answered_at=timezone.now() - timedelta(minutes=5),
    )
    tool = _tool(bot, words)
    secret = Secret(name="shop_key", note=words[:200])
    secret.set_value("key-of-the-shop")
    secret.save()
    _converse(call, words)
    record_turns(call)
    _finish(call, words)
    budget = Budget.objects.create(
        bot=bot, limit=1, message=words, action=Budget.Action.BOT, other_bot=bot
    )
    settle_call(call.pk)
    return Sample(
        *(bot, number, call, tool, secret, _alert(call, words)),
        version=versions(Bot, bot.pk)[0].pk,
        task=call.post_call_tasks.get(kind=PostCallTask.Kind.SUMMARY).pk,
        person=get_user_model().objects.get(username="colleague").pk,
        budget=budget.pk,
    )


def _alert(call: Call, words: str) -> Alert:
    """An alert about the call that could not be sent."""
    channel = AlertChannel(name=words[:60], kind=AlertChannel.Kind.SLACK)
    channel.set_url("https://hooks.slack.example/services/T0/B0/x7Qr")
    channel.save()
    event = AlertRule.Event.OUTCOME
    rule = AlertRule.objects.create(
        event=event, bot=call.bot, is_for_all_bots=False, outcome=words[:80]
    )
    rule.channels.add(channel)
    now = timezone.now()
    attempt = {"at": now.isoformat(), "result": "refused", "words": words[:200]}
    message = AlertMessage.objects.create(
        channel=channel,
        channel_name=channel.name,
        delivery=AlertRule.Delivery.AT_ONCE,
        state=AlertMessage.State.FAILED,
        planned_at=now,
        due_at=now,
        attempts=1,
        alert_count=1,
        log=[{**attempt, "status": 404, "answer": words[:200]}],
    )
    return Alert.objects.create(
        rule=rule,
        channel=channel,
        thing=f"call:{call.pk}",
        event=event,
        detail=words[:80],
        bot=call.bot,
        bot_name=call.bot_name,
        call=call,
        at=now,
        message=message,
    )


def _tool(bot: Bot, words: str) -> Tool:
    tool = Tool.objects.create(
        name="look_up_order",
        description=words,
        url=f"https://shop.example/{words}"[:500],
    )
    tool.parameters.create(name="order_id", description=words[:300])
    bot.tools.add(tool)
    return tool


def _converse(call: Call, words: str) -> None:
    script = Script(call, Random(1))
    script.greet(call.bot.greeting if call.bot else "")
    script.exchange((words, f"You said: {words}"), cut=True)
    script.exchange((words, f"Once more: {words}"))
    script.use("look_up", {"order_id": words, "pin": "••••"}, words * 3)
    script.use("transfer_call", {"target": words, "summary": words}, "did not answer")
    script.fail()
    script.end(Call.EndReason.CALLER_HUNG_UP)
    complete([call.pk])


def _finish(call: Call, words: str) -> None:
    """Add a summary, and post-call tasks that have failed."""
    results = {
        "summary": words,
        "outcome": words[:80],
        "extracted_fields": {"name": words},
    }
    Call.objects.filter(pk=call.pk).update(**results)
    entry = {"at": "2026-11-25T12:00:00+00:00", "ms": 90, "done": False}
    log = [{**entry, "status": 500, "words": words[:200]}]
    fields = {"state": PostCallTask.State.FAILED, "attempts": 8, "log": log}
    call.notes.create(text=words)
    call.tags.create(name=words[:40])
    SavedView.objects.create(
        user=get_user_model().objects.create(username="colleague"),
        name=words[:60],
        query="when=today",
        is_shared=True,
    )
    for kind in PostCallTask.Kind:
        call.post_call_tasks.create(kind=kind, due_at=timezone.now(), **fields)
