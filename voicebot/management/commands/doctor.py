"""`manage.py doctor`: check every part a call needs, and what a caller would hear."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bots.models import Bot
from calls.diagnostics import probes
from calls.diagnostics.findings import Finding, Level
from calls.diagnostics.inworld_probes import probe_inworld
from calls.diagnostics.mail_probe import probe_mail
from calls.diagnostics.post_call_probes import probe_post_call_tasks
from calls.diagnostics.recordings.probe import probe_recordings
from calls.diagnostics.refused_voices import refused_voice_findings
from calls.diagnostics.report import conclusion, probe_server_url
from calls.diagnostics.server_url_probe import Sample
from calls.diagnostics.streaming import streaming_findings
from calls.diagnostics.warnings import alert_findings, price_findings
from calls.trace.questions import answers
from calls.trace.table import table
from calls.trace.trace_file import read
from voicebot.management.commands.setup import reach_database

SIGNS = {Level.OK: "✓", Level.WARNING: "!", Level.FAILURE: "✗"}


class Command(BaseCommand):
    """Answers the question: would a call work now?"""

    help = "Check everything a call needs, with or without a running server."
    requires_system_checks = []  # their messages are among the findings

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-speech",
            action="store_true",
            help="skip speech synthesis, which costs money",
        )
        parser.add_argument("--json", action="store_true", help="output for programs")
        parser.add_argument(
            "--trace",
            type=Path,
            metavar="FILE",
            help="instead, read the trace of a call: what it says about Twilio and "
            "Inworld, and what to change",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each finding as it comes; exit with 1 if a call would fail."""
        if options["trace"]:
            self._read_trace(options["trace"], as_json=options["json"])
            return
        findings = []
        for finding in examine(speech=not options["no_speech"]):
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(self._line(finding))
                self.stdout.flush()
        works = all(not finding.is_failure for finding in findings)
        callers = conclusion(findings)
        if options["json"]:
            results = [asdict(finding) for finding in findings]
            report = {"ok": works, "findings": results, "callers": callers}
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
        else:
            self.stdout.write(callers)
        if not works:
            sys.exit(1)

    def _read_trace(self, path: Path, *, as_json: bool) -> None:
        """Print the answers that a call gives; exit with 1 if one asks for a change."""
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                trace = read(file)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        if not trace.lines:
            raise CommandError(f"{path} is not a trace.")
        rows = answers(trace)
        if as_json:
            listed = [asdict(row) for row in rows]
            found = {"answers": listed, "problems": trace.problems}
            self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False))
        else:
            for line in (*trace.problems, *table(rows)):
                self.stdout.write(line)
        if any(row.verdict == "bad" for row in rows):
            sys.exit(1)

    def _line(self, finding: Finding) -> str:
        paint = {
            Level.OK: self.style.SUCCESS,
            Level.WARNING: self.style.WARNING,
            Level.FAILURE: self.style.ERROR,
        }[finding.level]
        return f"{paint(SIGNS[finding.level])} {finding.name}: {finding.text}"


def examine(*, speech: bool) -> Iterator[Finding]:
    """Check everything, in the order in which a call needs it."""
    yield from probes.probe_settings()
    database = list(probes.probe_database(reach_database))
    yield from database
    has_database = not any(finding.is_failure for finding in database)
    sample = Sample()
    clips = list(probes.probe_clips(sample))
    yield from clips
    yield from probes.probe_server()
    is_stored = settings.REDIS_URL and not any(finding.is_failure for finding in clips)
    yield from probe_server_url(sample if is_stored else None)
    if has_database:
        yield from probes.probe_numbers()
        yield from probes.probe_refused_settings()
        yield from refused_voice_findings(Bot.objects.filter(is_active=True))
        yield from streaming_findings()
        yield from probe_post_call_tasks()
        yield from probe_recordings()
        yield from alert_findings()
        yield from price_findings()
    bots = (
        list(Bot.objects.with_related().filter(is_active=True)) if has_database else []
    )
    yield from probe_inworld(bots, speech=speech)
    yield from probe_mail()
    yield from probes.probe_clock()
