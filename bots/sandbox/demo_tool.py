"""A tool to try with the sandbox, whose demo shop answers its requests.

The first bot has it until a real model answers.
"""

from django.db.models import QuerySet

from bots.models import Bot
from bots.models.tool import Tool, ToolParameter
from bots.models.version_rows import record_rows

NAME = "look_up_order"
HOST = "http://127.0.0.1"
PATH = "/demo/orders/{{number}}"


def add_to(bot: Bot) -> None:
    """Let a bot use the tool; its address is set when the sandbox starts."""
    tool, is_new = Tool.objects.get_or_create(
        name=NAME,
        defaults={
            "description": "Looks up an order by its number: its state and when it "
            "arrives.",
            "url": f"{HOST}{PATH}",
            "failure_instructions": "Say that the order cannot be found "
            "and ask for its number again.",
        },
    )
    if is_new:
        _add_arguments(tool)
    bot.tools.add(*_demo_tools())


def _add_arguments(tool: Tool) -> None:
    tool.parameters.create(
        name="number",
        type=ToolParameter.Kind.INTEGER,
        description="The order's number, 1 to 9999.",
    )
    tool.parameters.create(
        name="seconds",
        type=ToolParameter.Kind.NUMBER,
        description="How long the answer takes, only if the caller says so.",
        required=False,
    )
    record_rows(tool)


def point_to(sandbox: str) -> None:
    """Send the tool's requests to the sandbox that runs now."""
    _demo_tools().update(url=f"{sandbox}{PATH}")


def remove() -> None:
    """Delete the tool: without the sandbox it could only fail."""
    _demo_tools().delete()


def without_port(url: str) -> str:
    """The tool's address without its port, which each start of the sandbox changes."""
    is_ours = url.startswith(HOST) and url.endswith(PATH)
    return f"{HOST}{PATH}" if is_ours else url


def _demo_tools() -> QuerySet[Tool]:
    """The tool, unless an operator changed its address."""
    return Tool.objects.filter(name=NAME, url__startswith=HOST, url__endswith=PATH)
