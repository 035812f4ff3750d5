"""Log lines of one call, which carry its SID, and of failures that last."""

import logging
from collections.abc import MutableMapping
from typing import Any


class CallLog(logging.LoggerAdapter[logging.Logger]):
    """Puts the call SID in front of each message, and into JSON lines as a field."""

    def __init__(self, logger: logging.Logger, call_sid: str) -> None:
        super().__init__(logger)
        self.call_sid = call_sid

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        extra = {**(kwargs.get("extra") or {}), "call_sid": self.call_sid}
        return f"{self.call_sid}: {msg}", {**kwargs, "extra": extra}


class FailureLog:
    """Logs once that something fails, and once that it works again."""

    def __init__(self, logger: logging.Logger, fails: str, works: str) -> None:
        self.logger = logger
        self.fails = fails
        self.works = works
        self.is_failing = False

    def failed(self, error: BaseException) -> None:
        """Log the failure, unless it goes on."""
        if not self.is_failing:
            self.logger.warning("%s: %s", self.fails, type(error).__name__)
        self.is_failing = True

    def worked(self) -> None:
        """Log the recovery, if there was a failure."""
        if self.is_failing:
            self.logger.info("%s", self.works)
        self.is_failing = False
