"""Forks commands of `manage.py` from a process that has imported their libraries.

A server then starts in a third of the CPU. Each imports its own settings, models and
pages. A server whose interpreter needs another environment at its start, or cores of
its own, must be a new process.
"""

import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Timer

# An environment variable: time limits that a test sets short, by module and name.
SHORTENED = "TESTS_SHORTEN"
ROOT = Path(__file__).resolve().parent.parent.parent
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.support.preload"])


class PreloadedProcess:
    """A command of `manage.py` with the `subprocess.Popen` methods that tests use.

    Its output comes from `stdout`. Its errors do too, unless `errors` names a file.
    """

    def __init__(
        self, env: dict[str, str], *command: str, errors: Path | None = None
    ) -> None:
        reader, writer = _context.Pipe(duplex=False)
        arguments = (env, command, writer, errors)
        self._process = _context.Process(target=_run, args=arguments, daemon=True)
        self._process.start()
        writer.close()
        self.stdout = os.fdopen(os.dup(reader.fileno()))
        reader.close()
        assert self._process.pid
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """The exit code; negative for a signal, None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; raises `TimeoutExpired` like `subprocess.Popen`."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("manage.py", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def run_to_end(
    env: dict[str, str], *command: str, timeout: float | None = 60
) -> subprocess.CompletedProcess[str]:
    """Run a command of `manage.py`, as `subprocess.run` does, in exactly this `env`."""
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder) / "stderr"
        process = PreloadedProcess(env, *command, errors=errors)
        watchdog = Timer(timeout or 0, process.kill)
        if timeout:
            watchdog.start()
        try:
            with process.stdout:
                output = process.stdout.read()
            code = process.wait(timeout)
        finally:
            watchdog.cancel()
        return subprocess.CompletedProcess(command, code, output, errors.read_text())


def _run(
    env: dict[str, str],
    command: Sequence[str],
    output: Connection,
    errors: Path | None,
) -> None:
    """Become `manage.py`, in the environment and with the output of a new process."""
    os.dup2(output.fileno(), 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT) if errors else 1, 2)
    output.close()
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    sys.argv = ["manage.py", *command]
    if filters := env.get("PYTHONWARNINGS"):
        warnings.simplefilter(filters)  # type: ignore[arg-type]
    for name, value in json.loads(env.get(SHORTENED, "{}")).items():
        module, _, constant = name.rpartition(".")
        assert hasattr(import_module(module), constant), name
        setattr(import_module(module), constant, value)
    runpy.run_path("manage.py", run_name="__main__")
