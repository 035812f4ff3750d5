"""Keys and passwords of other systems: written once, used in requests, never shown."""

from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models


class SecretUnreadable(Exception):
    """A secret that SECRET_KEY does not open any more; it must be entered anew."""


class Secret(models.Model):
    """A value that tools and webhooks send, kept encrypted with SECRET_KEY."""

    name = models.CharField(
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z][a-z0-9_]*\Z", "Small letters, digits and _ only.")
        ],
        help_text="How settings name it: {{secret.NAME}} in a header or an address.",
    )
    encrypted_value = models.TextField(editable=False)
    note = models.CharField(max_length=200, blank=True, help_text="What it opens.")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def set_value(self, value: str) -> None:
        """Keep a new value; the row is yet to be saved."""
        self.encrypted_value = _fernet().encrypt(value.encode()).decode()

    def get_value(self) -> str:
        """The value. Raises `SecretLost` where SECRET_KEY has changed since."""
        try:
            return _fernet().decrypt(self.encrypted_value.encode()).decode()
        except InvalidToken as error:
            raise SecretUnreadable(
                f"The secret “{self.name}” was kept with another SECRET_KEY. "
                "Enter its value again."
            ) from error


def opened(names: list[str]) -> dict[str, str]:
    """The values of some secrets by name, as far as there are any.

    Raises `SecretLost`.
    """
    return {
        each.name: each.get_value() for each in Secret.objects.filter(name__in=names)
    }


def _fernet() -> Fernet:
    key = sha256(b"voicebot.secrets" + settings.SECRET_KEY.encode()).digest()
    return Fernet(urlsafe_b64encode(key))
