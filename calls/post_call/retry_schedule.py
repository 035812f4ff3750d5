"""When a failed post-call task is tried again. Pure."""

# Seconds from the first attempt to each attempt.
ATTEMPT_TIMES = {
    "summary": (0, 10, 60, 300),
    "webhook": (0, 10, 60, 300, 1800, 7200, 21_600, 43_200),
}
# Delays are up to this share longer, so that tasks that failed together spread out.
MAX_JITTER = 0.2


def max_attempts(kind: str) -> int:
    """The number of attempts in all."""
    return len(ATTEMPT_TIMES[kind])


def delay_after(kind: str, attempts: int, jitter: float) -> float | None:
    """Seconds until the next attempt after so many failed ones; None: give up.

    `jitter` is a random number from 0 to 1.
    """
    times = ATTEMPT_TIMES[kind]
    if attempts >= len(times):
        return None
    return (times[attempts] - times[attempts - 1]) * (1 + MAX_JITTER * jitter)
