"""Runs a bench as a process, for the tests of the benches."""

import subprocess
import sys

from tests.support.live import ROOT


def small_run(
    bench: str, options: str, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a module of `tests.bench` with options that make it short."""
    return subprocess.run(
        [sys.executable, "-m", f"tests.bench.{bench}", *options.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
