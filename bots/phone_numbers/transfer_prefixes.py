"""The numbers that callers may be transferred to: TRANSFER_PREFIXES."""

import logging

from django.conf import settings

log = logging.getLogger(__name__)


def is_allowed(target: str) -> bool:
    """True for a number with one of the prefixes, or if there are none.

    With prefixes no SIP address is allowed: its host decides where the call goes.
    """
    prefixes = settings.TRANSFER_PREFIXES
    return not prefixes or target.startswith(tuple(prefixes))


def may_be_dialled(target: str) -> bool:
    """`is_allowed` at the moment of a transfer; a refusal is logged."""
    if is_allowed(target):
        return True
    log.error("A transfer to …%s is refused by TRANSFER_PREFIXES", target[-2:])
    return False
