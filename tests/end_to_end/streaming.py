"""The bot of calls that wait in real time: it greets briefly, and has no fillers."""

import pytest

from bots.models import Bot


@pytest.fixture
def bot(transactional_db: None) -> Bot:
    """A bot whose every sound is part of an answer, also on a busy machine."""
    return Bot.objects.create(
        name="Default", is_default=True, greeting="Hello.", answer_filler_seconds=0
    )
