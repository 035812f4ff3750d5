"""Log lines of one call. They carry its SID, and nothing that was said in it."""

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
