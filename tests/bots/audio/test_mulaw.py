"""Mu-law, encoded and decoded."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from bots.audio import mulaw


@given(st.lists(st.integers(-32_768, 32_767), max_size=50))
def test_mu_law_keeps_samples_within_its_steps(samples: list[int]) -> None:
    pcm = struct.pack(f"<{len(samples)}h", *samples)
    back = struct.unpack(f"<{len(samples)}h", mulaw.decode(mulaw.encode(pcm)))
    for sample, decoded in zip(samples, back, strict=True):
        # Half a step, which grows with the sample and its bias; above, it is cut off.
        half_a_step = (abs(sample) + 132) / 32
        assert abs(sample - decoded) <= max(half_a_step, 650 * (abs(sample) > 32_000))
