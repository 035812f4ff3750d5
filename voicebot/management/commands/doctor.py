"""`manage.py doctor`: check every part a call needs, and what a caller would hear."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from bots.models import Bot
from calls.diagnostics import probes
from calls.diagnostics.findings import Finding, Level
from calls.diagnostics.inworld_probes import of_inworld
from calls.diagnostics.post_call_probes import probe_post_call_tasks
from calls.diagnostics.report import conclusion, of_roundtrip
from calls.diagnostics.server_url_probe import Sample
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

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each finding as it comes; exit with 1 if a call would fail."""
        findings = []
        for finding in examine(speech=not options["no_speech"]):
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(self._line(finding))
                self.stdout.flush()
        works = all(finding.mark != Level.FAILURE for finding in findings)
        callers = conclusion(findings)
        if options["json"]:
            told = [asdict(finding) for finding in findings]
            report = {"ok": works, "findings": told, "callers": callers}
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
        else:
            self.stdout.write(callers)
        if not works:
            sys.exit(1)

    def _line(self, finding: Finding) -> str:
        paint = {
            Level.OK: self.style.SUCCESS,
            Level.WARNING: self.style.WARNING,
            Level.FAILURE: self.style.ERROR,
        }[finding.mark]
        return f"{paint(SIGNS[finding.mark])} {finding.name}: {finding.message}"


def examine(*, speech: bool) -> Iterator[Finding]:
    """Everything, in the order in which a call needs it."""
    yield from probes.of_settings()
    database = list(probes.of_database(reach_database))
    yield from database
    has_database = all(finding.mark != Level.FAILURE for finding in database)
    sample = Sample()
    clips = list(probes.of_clips(sample))
    yield from clips
    yield from probes.of_server()
    shared = settings.REDIS_URL and all(found.mark == Level.OK for found in clips)
    yield from of_roundtrip(sample if shared else None)
    if has_database:
        yield from probes.of_numbers()
        yield from probe_post_call_tasks()
    bots = (
        list(Bot.objects.with_related().filter(is_active=True)) if has_database else []
    )
    yield from of_inworld(bots, speech=speech)
    yield from probes.of_clock()
