"""A tool to try with the sandbox, which answers its requests, too.

It comes with the first bot and goes when a real model answers.
"""

from django.db.models import QuerySet

from bots.models import Bot
from bots.models.tool import Tool, ToolParameter

NAME = "look_up_order"
HOST = "http://127.0.0.1"
PATH = "/demo/orders/{{number}}"


def give(bot: Bot) -> None:
    """Let a bot use it; where the sandbox is, is not known yet."""
    tool, is_new = Tool.objects.get_or_create(
        name=NAME,
        defaults={
            "description": "Looks up an order by its number: how it stands and when it "
            "comes.",
            "url": f"{HOST}{PATH}",
            "failure_instructions": "Say that the order cannot be found and ask for its number "
            "again.",
        },
    )
    if is_new:
        _add_arguments(tool)
    bot.tools.add(*_ours())


def _add_arguments(tool: Tool) -> None:
    number, whole = "The order's number, 1 to 9999.", ToolParameter.Kind.INTEGER
    tool.parameters.create(name="number", type=whole, description=number)
    tool.parameters.create(
        name="seconds",
        type=ToolParameter.Kind.NUMBER,
        description="How slow the answer is to be, only if the caller says so.",
        required=False,
    )


def point_to(sandbox: str) -> None:
    """Have it ask the sandbox that runs now."""
    _ours().update(url=f"{sandbox}{PATH}")


def take_away() -> None:
    """Without the sandbox it could only fail."""
    _ours().delete()


def _ours() -> QuerySet[Tool]:
    """The tool, unless somebody made it another."""
    return Tool.objects.filter(name=NAME, url__startswith=HOST, url__endswith=PATH)
