"""Security headers of all pages, and the client's address of a request."""

from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from calls.accounts.idle import is_idle, note_activity

# No package for this: our pages have no inline script or style, so they need no
# exceptions. The one nonce is for the style element of the library of waveforms.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",  # WebSockets of the same host, too
        "img-src 'self' data:",
        "media-src 'self' blob:",  # audio that a page has fetched
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
PERMISSIONS_POLICY = (
    "microphone=(self), camera=(), geolocation=(), payment=(), usb=(), serial=(), "
    "midi=(), display-capture=()"
)
# Django's error pages, shown with DEBUG only, have inline styles.
DEBUG_PAGES = (404, 500)
# A customer gets at least this whole IPv6 network.
IPV6_PREFIX = 64


class SecurityHeaders(MiddlewareMixin):
    """Adds the security headers that Django's own middleware does not."""

    def process_response(
        self, request: HttpRequest, response: HttpResponse
    ) -> HttpResponse:
        if not (settings.DEBUG and response.status_code in DEBUG_PAGES):
            policy = CONTENT_SECURITY_POLICY
            if nonce := getattr(request, "style_nonce", ""):
                policy += f"; style-src 'self' 'nonce-{nonce}'"
            response.headers["Content-Security-Policy"] = policy
        response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
        if settings.SECURE_HSTS_SECONDS:
            # Django sends it only with requests that came by https; here the proxy
            # terminates TLS. Browsers ignore it over plain http.
            response.headers.setdefault(
                "Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}"
            )
        return response


class IdleTimeout(MiddlewareMixin):
    """Signs people out who have requested no page for a while."""

    def process_request(self, request: HttpRequest) -> None:
        """Compare with the time of the latest page, which the session holds."""
        if not request.user.is_authenticated:
            return
        if is_idle(request.session):
            logout(request)
        else:
            note_activity(request.session)


def limit_session(request: HttpRequest, **kwargs: Any) -> None:
    """Fix the end of a new session; Django would move it with each change of it."""
    end = timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    request.session.set_expiry(end)


class RefuseNul(MiddlewareMixin):
    """Refuses a NUL in an address or a cookie, which PostgreSQL would fail on.

    Forms have fields, which say so beside themselves.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Check before a session is looked up."""
        queried = (text for _, texts in request.GET.lists() for text in texts)
        texts = (request.path, *request.COOKIES.values(), *queried)
        if any("\0" in text for text in texts):
            raise SuspiciousOperation("The address or a cookie has a NUL.")


def client_address(request: HttpRequest) -> str | None:
    """The client's address as our outermost own proxy saw it; None if unknown.

    Entries further left in X-Forwarded-For are the client's own claims.
    """
    header = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return _client(header, request.META.get("REMOTE_ADDR") or "")


def client_of_scope(scope: dict[str, Any]) -> str | None:
    """`client_address` of a request that Django has not read yet."""
    headers = [text for name, text in scope["headers"] if name == b"x-forwarded-for"]
    remote = scope.get("client") or [""]
    return _client(b",".join(headers).decode("latin-1"), str(remote[0]))


def _client(header: str, remote: str) -> str | None:
    seen = [part.strip() for part in header.split(",") if part.strip()]
    proxies = settings.TRUSTED_PROXY_COUNT
    forwarded = seen[-proxies] if 0 < proxies <= len(seen) else ""
    return _normalised(forwarded) or _normalised(remote)


def _normalised(text: str) -> str | None:
    """A normalised address; for IPv6 its network, whose addresses a client can vary.

    Azure and IIS add the client's port, which is another one with each connection.
    """
    host, _, port = text.strip('" ').rpartition(":")
    candidates = [text.strip('" []'), host.strip("[]") if port.isdecimal() else ""]
    address = next(filter(None, map(_address, candidates)), None)
    if address is None:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        network = ip_network((int(address), IPV6_PREFIX), strict=False)
        return str(network.network_address)
    return str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
