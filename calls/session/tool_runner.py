"""Runs the HTTP tools of a call, and the lookup before it, beside the call."""

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
    """Runs one call's tools and passes their results to the conversation."""

    def __init__(self, emit: Emit, log: CallLog) -> None:
        self.emit = emit
        self.log = log
        self.variables: Mapping[str, str] = {}
        self.requests = BackgroundTasks(log)
        self.lookups = BackgroundTasks(log)

    def use(self, call_id: str, tool: ToolSpec, arguments: Mapping[str, Any]) -> None:
        """Start a tool call."""
        self.requests.start(self._use(call_id, tool, arguments))

    def look_up(
        self, tool: ToolSpec, on_values: Callable[[Mapping[str, str]], None]
    ) -> None:
        """Start the lookup before a call; `on_values` gets the values it returns.

        It goes on after the relay is gone, because the call may reconnect.
        """
        self.lookups.start(self._look_up(tool, on_values))

    async def aclose(self) -> None:
        """Cancel the tools that are running: their results would reach nobody."""
        await self.requests.aclose()

    async def _use(
        self, call_id: str, tool: ToolSpec, arguments: Mapping[str, Any]
    ) -> None:
        result = await use_tool(tool, arguments, self.variables)
        self._record(tool, result)
        failed = bool(result.error)
        event = ToolCallEnded(
            call_id, result.result, failed=failed, redacted=result.redacted
        )
        await self.emit(event)

    async def _look_up(
        self, tool: ToolSpec, on_values: Callable[[Mapping[str, str]], None]
    ) -> None:
        result = await look_up(tool, self.variables)
        self._record(tool, result)
        values = {} if result.error else flatten(result.json)
        self.variables = {**values, **self.variables}
        on_values(values)
        problem = f"The lookup {tool.name} failed: {result.error}"
        await self.emit(LookupDone(values, problem if result.error else ""))

    def _record(self, tool: ToolSpec, result: ToolResult) -> None:
        metrics.TOOL_CALLS.labels("failed" if result.error else "done").inc()
        status = result.status or "no answer"
        if result.error:
            # The error may quote the caller, so only the transcript has it.
            self.log.warning("The tool %s failed: %s", tool.name, status)
        else:
            self.log.info("The tool %s answered in %d ms", tool.name, result.ms)
