"""Reads EMAIL_URL: how the console sends mail."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SMTP = "django.core.mail.backends.smtp.EmailBackend"
CONSOLE = "django.core.mail.backends.console.EmailBackend"
# Sends nothing: no mail server is set up.
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"
# Their usual ports. With +tls the connection begins in the clear and is then encrypted.
PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
HINT = (
    "Write smtp+tls://user:password@mail.example.com:587 (or smtp+ssl:// with port "
    "465), with %-escapes for signs such as @ in the password: %40."
)


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Django's mail settings without their prefix."""

    backend: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    use_tls: bool = False
    use_ssl: bool = False


def mail_settings(url: str, *, debug: bool) -> MailSettings:
    """The settings in a URL. Without one a developer's mail goes to the console."""
    if not url:
        return MailSettings(CONSOLE if debug else NO_MAIL)
    if url == "console":
        return MailSettings(CONSOLE)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:  # the error quotes the password
        raise ImproperlyConfigured(f"EMAIL_URL has no valid port. {HINT}") from error
    if parts.scheme not in PORTS or not host or parts.path.strip("/"):
        raise ImproperlyConfigured(f"EMAIL_URL is not the address of a server. {HINT}")
    return MailSettings(
        backend=SMTP,
        host=host,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=parts.scheme == "smtp+tls",
        use_ssl=parts.scheme == "smtp+ssl",
    )
