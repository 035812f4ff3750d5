"""Passwords and keys of other systems, stored encrypted and never shown."""

from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models


class SecretUnreadable(Exception):
    """The value was encrypted with another SECRET_KEY and must be entered again."""


class Secret(models.Model):
    """A password or key that tools and webhooks send, encrypted with SECRET_KEY."""

    BOT_PATHS = ("webhook_bots",)

    name = models.CharField(
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z][a-z0-9_]*\Z", "Small letters, digits and _ only.")
        ],
        help_text="Write {{secret.NAME}} in a header or an address to use the value.",
    )
    encrypted_value = models.TextField(editable=False)
    note = models.CharField(
        max_length=200, blank=True, help_text="What it gives access to."
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "password or key"
        verbose_name_plural = "passwords and keys"

    def __str__(self) -> str:
        return self.name

    def set_value(self, value: str) -> None:
        """Encrypt a new value. Does not save the row."""
        self.encrypted_value = encrypted(value)

    def get_value(self) -> str:
        """Decrypt the value. Raises `SecretUnreadable` if SECRET_KEY has changed."""
        return decrypted(self.encrypted_value, self.name, "under Passwords and keys")

    @property
    def is_readable(self) -> bool:
        """True if the value can be decrypted."""
        try:
            self.get_value()
        except SecretUnreadable:
            return False
        return True


def secret_values(names: list[str]) -> dict[str, str]:
    """Decrypted values by name; names without a secret are left out.

    Raises `SecretUnreadable`.
    """
    secrets = Secret.objects.filter(name__in=names)
    return {secret.name: secret.get_value() for secret in secrets}


def encrypted(value: str) -> str:
    """A text encrypted with SECRET_KEY."""
    return _fernet().encrypt(value.encode()).decode()


def decrypted(value: str, name: str, place: str) -> str:
    """The text that was encrypted under a name.

    Raises `SecretUnreadable`, which says at which place it has to be entered again.
    """
    try:
        return _fernet().decrypt(value.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable(
            f"“{name}” was saved with another SECRET_KEY. Enter its value "
            f"again {place}."
        ) from error


def _fernet() -> Fernet:
    key = sha256(b"voicebot.secrets" + settings.SECRET_KEY.encode()).digest()
    return Fernet(urlsafe_b64encode(key))
