"""The second factor: the code of an authenticator app, or a recovery code.

The form of a code chooses the device that checks it. If each device tried each code,
every code of the app would count as a wrong recovery code, and after eighteen of them
django-otp refuses right ones for days.
"""

import base64
import hashlib
import re
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from django_otp import DEVICE_ID_SESSION_KEY, verify_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

RECOVERY_CODES = 10
APP_CODE = re.compile(r"\d{6}")
# scrypt's cost: 16 MB of memory, some 50 ms. The column of a code has 16 characters,
# which hold 12 bytes.
COST = {"n": 2**14, "r": 8, "p": 1, "dklen": 12}


def totp_device(user: Any) -> TOTPDevice | None:
    """The authenticator app that a user has set up."""
    device: TOTPDevice | None = TOTPDevice.objects.filter(
        user_id=user.pk, confirmed=True
    ).first()
    return device


def has_second_factor(user: Any, session: Any) -> bool:
    """True if the session was started with a code, or the user needs none."""
    app = totp_device(user)
    if app is None:
        return not settings.ADMIN_REQUIRE_TOTP
    is_verified: bool = session.get(DEVICE_ID_SESSION_KEY) == app.persistent_id
    return is_verified


def is_right_code(user: Any, app: TOTPDevice, code: str) -> bool:
    """Check a code, which is then used up."""
    if APP_CODE.fullmatch(code):
        return verify_token(user, app.persistent_id, code) is not None
    return _use_recovery_code(user, code)


@transaction.atomic
def reset_two_factor(user: Any) -> bool:
    """Delete a user's app and recovery codes. Returns False if there were none."""
    removed = [
        kind.objects.filter(user=user).delete()[0]
        for kind in (TOTPDevice, StaticDevice)
    ]
    return any(removed)


@transaction.atomic
def new_recovery_codes(user: Any) -> list[str]:
    """Recovery codes for one use each; they replace all earlier ones."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="Recovery codes")
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    for code in codes:
        device.token_set.create(token=_hashed(device, code))
    return codes


def recovery_codes_left(user_id: int) -> int:
    """Count the codes that were not used."""
    count: int = StaticToken.objects.filter(device__user_id=user_id).count()
    return count


def _use_recovery_code(user: Any, code: str) -> bool:
    """Delete the code, if there is one. Of two sign-ins at once, one succeeds.

    No wait after a wrong code: of 2^40 codes nobody guesses one, and somebody who knows
    the password could keep the owner out with it.
    """
    device = StaticDevice.objects.filter(user=user).first()
    if device is None:
        return False
    used = device.token_set.filter(token=_hashed(device, code)).delete()
    return bool(used[0])


def _hashed(device: StaticDevice, code: str) -> str:
    """The code as it is stored. Without SECRET_KEY it cannot be guessed offline."""
    salt = salted_hmac("recovery code", device.persistent_id, algorithm="sha256")
    digest = hashlib.scrypt(code.encode(), salt=salt.digest(), **COST)
    return base64.b64encode(digest).decode()
