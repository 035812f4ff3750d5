"""The pace of speech: a wrong idea of its sample rate shows here first. Pure."""

from dataclasses import dataclass

from calls.turns.word_timing import speech_length

# A word as typists count: scripts without spaces have words of this length, too.
LETTERS_IN_WORD = 5
# Seconds a word between which every voice speaks, pauses included. Half the sample rate
# doubles the usual 0.35.
SLOWEST, FASTEST = 1.0, 0.2
USUAL = 0.35
# Fewer words may be all numbers, or all pauses.
ENOUGH_WORDS = 20
SAMPLE_RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


@dataclass(slots=True)
class Pace:
    """Words and seconds of speech, added up."""

    letters: int = 0
    seconds: float = 0.0

    def add(self, text: str, seconds: float) -> None:
        """Count a piece of speech; its text may have come with another piece."""
        self.letters += speech_length(text) if text.strip() else 0
        self.seconds += seconds

    @property
    def words(self) -> float:
        return self.letters / LETTERS_IN_WORD

    @property
    def seconds_per_word(self) -> float:
        """The pace; 0 before the first word."""
        return self.seconds / self.words if self.letters else 0.0

    @property
    def is_plausible(self) -> bool:
        """False if no voice speaks so slowly or so fast."""
        return FASTEST <= self.seconds_per_word <= SLOWEST

    @property
    def is_certain(self) -> bool:
        """True if there were words enough to tell."""
        return self.words >= ENOUGH_WORDS

    def likely_rate(self, assumed_rate: int) -> int:
        """The sample rate (Hz) at which the pace would be the most usual."""
        rate = assumed_rate * self.seconds_per_word / USUAL
        return min(SAMPLE_RATES, key=lambda known: abs(known - rate))
