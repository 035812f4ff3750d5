"""When what failed after a call is tried again. Pure."""

# When each attempt is made, in seconds after the first.
ATTEMPT_TIMES = {
    "summary": (0, 10, 60, 300),
    "webhook": (0, 10, 60, 300, 1800, 7200, 21_600, 43_200),
}
# So that what failed together is not tried again together: up to so much more.
JITTER = 0.2


def max_attempts(kind: str) -> int:
    """How often something is tried in all."""
    return len(ATTEMPT_TIMES[kind])


def delay_after(kind: str, attempts: int, luck: float) -> float | None:
    """Seconds from the failure of that many attempts to the next; None: give up.

    `luck` is a random number from 0 to 1.
    """
    moments = ATTEMPT_TIMES[kind]
    if attempts >= len(moments):
        return None
    return (moments[attempts] - moments[attempts - 1]) * (1 + JITTER * luck)
