"""The requests a call makes besides those to Inworld: its tools, and its lookup."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bots.config.capabilities import ToolSpec
from bots.config.placeholders import flatten
from bots.tools.runner import ToolResult, look_up, use_tool
from calls import metrics
from calls.background import BackgroundTasks
from calls.conversation.events import Event, LookupDone, ToolCallEnded
from calls.logs import CallLog

Emit = Callable[[Event], Awaitable[None]]


class ToolRunner:
    """The tools of one call; what comes of them goes to the conversation."""

    def __init__(self, emit: Emit, log: CallLog) -> None:
        self.emit = emit
        self.log = log
        self.variables: Mapping[str, str] = {}  # the call's variables
        self.requests = BackgroundTasks(log)
        self.lookups = BackgroundTasks(log)

    def use(self, call_id: str, tool: ToolSpec, arguments: Mapping[str, Any]) -> None:
        """Begin to use a tool."""
        self.requests.start(self._use(call_id, tool, arguments))

    def look_up(
        self, tool: ToolSpec, told: Callable[[Mapping[str, str]], None]
    ) -> None:
        """Begin the lookup before a call; `told` gets what it found.

        It goes on when the line is gone, because the call may go on with another.
        """
        self.lookups.start(self._look_up(tool, told))

    async def aclose(self) -> None:
        """Stop the tools that are under way: nobody is there to hear of them."""
        await self.requests.aclose()

    async def _use(
        self, call_id: str, tool: ToolSpec, arguments: Mapping[str, Any]
    ) -> None:
        outcome = await use_tool(tool, arguments, self.variables)
        self._note(tool, outcome)
        failed = bool(outcome.error)
        event = ToolCallEnded(
            call_id, outcome.result, failed=failed, redacted=outcome.redacted
        )
        await self.emit(event)

    async def _look_up(
        self, tool: ToolSpec, told: Callable[[Mapping[str, str]], None]
    ) -> None:
        outcome = await look_up(tool, self.variables)
        self._note(tool, outcome)
        values = {} if outcome.error else flatten(outcome.json)
        self.variables = {**values, **self.variables}
        told(values)
        trouble = f"The lookup {tool.name} failed: {outcome.error}"
        await self.emit(LookupDone(values, trouble if outcome.error else ""))

    def _note(self, tool: ToolSpec, outcome: ToolResult) -> None:
        metrics.TOOL_CALLS.labels("failed" if outcome.error else "done").inc()
        status = outcome.status or "no answer"
        if outcome.error:
            # Its words may hold a caller's, so they stand with the turn only.
            self.log.warning("The tool %s failed: %s", tool.name, status)
        else:
            self.log.info("The tool %s answered in %d ms", tool.name, outcome.ms)
