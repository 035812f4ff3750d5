"""The sandbox as a process: hang-ups, signals, its parent, its port."""

import asyncio
import subprocess
import sys

import httpx
import pytest
from django.core.management import CommandError, call_command

from tests.support.sandbox import (
    ENVIRONMENT,
    ROOT,
    STORY_PLEASE,
    address,
    chat_body,
    command,
)


async def test_a_hang_up_stops_the_reply_and_sigterm_the_sandbox() -> None:
    process = await asyncio.create_subprocess_exec(
        *command(),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    url = address((await process.stdout.readline()).decode())
    assert b"no real model" in await process.stderr.readline()
    async with httpx.AsyncClient(base_url=url, timeout=15) as client:
        body = chat_body(STORY_PLEASE)
        request = client.stream("POST", "/v1/chat/completions", json=body)
        async with request as response:
            await anext(response.aiter_bytes())
        line = await asyncio.wait_for(process.stderr.readline(), 15)
        assert b"was hung up on" in line
    process.terminate()
    await process.communicate()
    assert process.returncode == 0


def test_the_sandbox_ends_with_its_parent() -> None:
    parent = (
        "import os, subprocess, sys\n"
        "sandbox = [*sys.argv[1:], '--parent-pid', str(os.getpid())]\n"
        "subprocess.Popen(sandbox, stdin=subprocess.DEVNULL)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent, *command()],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        url = address(process.stdout.readline())
        process.kill()
        assert process.stdout.read() == ""  # ends when the sandbox, too, has let go
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_port_that_cannot_be_had_is_named(sandbox: httpx.Client) -> None:
    taken = sandbox.base_url.port
    with pytest.raises(CommandError, match="70000: a port is from 0 to 65535"):
        call_command("sandbox", port=70_000)
    with pytest.raises(CommandError, match=f":{taken}: Address already in use"):
        call_command("sandbox", port=taken)
