"""Mu-law, encoded."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from bots.audio import mulaw


def decoded(code: int) -> int:
    """The sample of one byte, by the table of ITU-T G.711."""
    code = ~code
    magnitude = (((code & 0x0F) << 3) + 132 << (code >> 4 & 0x07)) - 132
    return -magnitude if code & 0x80 else magnitude


@given(st.lists(st.integers(-32_768, 32_767), max_size=50))
def test_mu_law_keeps_samples_within_its_steps(samples: list[int]) -> None:
    encoded = mulaw.encode(struct.pack(f"<{len(samples)}h", *samples))
    for sample, code in zip(samples, encoded, strict=True):
        # Half a step, which grows with the sample and its bias; above, it is cut off.
        half_a_step = (abs(sample) + 132) / 32
        most = max(half_a_step, 650 * (abs(sample) > 32_000))
        assert abs(sample - decoded(code)) <= most
