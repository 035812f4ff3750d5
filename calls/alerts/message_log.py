"""The log of a message: its attempts, and after each the reports on it. Pure.

The last entry says how the message stands. A report may come before the attempt that it
is about has been recorded, and also after the message was sent again.
"""

from typing import Any

from calls.alerts.attempt import Result

Entry = dict[str, Any]
Log = list[Entry]

REPORTS = (Result.DELIVERED, Result.LOST)


def with_attempt(log: Log, attempt: Entry) -> Log:
    """The log with an attempt, followed by the reports that came before it."""
    known = {entry.get("sid") for entry in log if entry["result"] not in REPORTS}
    early = [
        entry
        for entry in log
        if entry["result"] in REPORTS
        and entry["sid"] not in known
        and attempt.get("sid", "") in ("", entry["sid"])
    ]
    return [*(entry for entry in log if entry not in early), attempt, *early]


def with_report(log: Log, report: Entry, *, is_sending: bool) -> Log | None:
    """The log with a report; None if it is no news. `delivered` is final.

    While a message `is_sending`, the report may be about the attempt that goes on.
    """
    same = [entry for entry in log if entry.get("sid") == report["sid"]]
    if {Result.DELIVERED, report["result"]} & {entry["result"] for entry in same}:
        return None
    if same:
        place = log.index(same[-1]) + 1
        return [*log[:place], report, *log[place:]]
    if is_sending or (log and log[-1]["result"] == Result.UNKNOWN):
        return [*log, report]
    return None
