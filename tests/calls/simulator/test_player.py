"""The player's queue of clips."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.simulator import (
    Heard,
)
from calls.simulator.player import Player, Sound
from calls.simulator.record import Clock, Record


class StillClock(Clock):
    """Moves only as far as something is played."""

    @property
    def seconds(self) -> float:
        return self._skipped


class Listener:
    """Takes every sound as already fetched, and notes the order."""

    def __init__(self) -> None:
        self.record = Record(fast=True, on_heard=None)
        self.record.clock = StillClock(fast=True)
        self.player = Player(self.record, self)
        self.events: list[str] = []

    async def load(self, sound: Sound) -> Heard | None:
        return Heard("clip", sound.seconds, source=sound.source)

    async def begins(self, heard: Heard, *, after_silence: bool) -> None:
        self.record.hear(heard)
        self.events += ["on"] if after_silence else []

    async def ends(self, heard: Heard) -> None:
        self.events.append(heard.source)

    async def falls_silent(self) -> None:
        self.events.append("off")


lengths = st.lists(st.floats(0.01, 20), min_size=1, max_size=6)


class TestPlayer:
    @given(lengths, st.floats(0, 60))
    def test_playback_accounts_for_every_second(
        self, seconds: list[float], hold: float
    ) -> None:
        asyncio.run(self._account(seconds, hold))

    async def _account(self, seconds: list[float], hold: float) -> None:
        listener = Listener()
        player = listener.player
        for number, length in enumerate(seconds):
            player.add(Sound("clip", source=str(number), seconds=length))
        player.hold(hold)
        playing = asyncio.create_task(player.run())
        await listener.record.until(lambda: player.held or player.idle)
        was_held = player.held
        cut = player.stop()
        player.add(Sound("clip", source="answer", seconds=1))
        await listener.record.until(lambda: "answer" in listener.events)
        playing.cancel()

        heard = listener.record.heard
        before, answer = heard[:-1], heard[-1]
        assert was_held == (hold < sum(seconds)) or math.isclose(hold, sum(seconds))
        assert [h.source for h in before] == [str(n) for n in range(len(before))]
        assert [h.cut for h in before] == [h is cut for h in before]
        assert sum(h.played_seconds for h in before) == pytest.approx(
            min(hold, sum(seconds)) if was_held else sum(seconds), abs=1e-6
        )
        if cut:
            assert 0 <= cut.played_seconds <= cut.seconds
        assert (answer.source, answer.played_seconds) == ("answer", 1)
