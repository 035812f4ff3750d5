"""What every page of the desk tells the browser, and whose address a request has."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

# Ten lines of our own, because nothing on our pages needs an exception: no inline
# script or style, so no nonces and no reports, which is what a package would add.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",  # sockets of the same host, too
        "img-src 'self' data:",
        "media-src 'self' blob:",  # speech that a page has fetched
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
# Django's own pages on errors, which only DEBUG shows, have inline styles.
DEBUG_PAGES = (404, 500)
# Whoever has one IPv6 address has all that begin so.
IPV6_PREFIX = 64


class SecurityHeaders(MiddlewareMixin):
    """The browser's part in keeping the desk safe."""

    def process_response(
        self, request: HttpRequest, response: HttpResponse
    ) -> HttpResponse:
        """Add the headers that Django's own middleware does not."""
        if not (settings.DEBUG and response.status_code in DEBUG_PAGES):
            response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
        if settings.SECURE_HSTS_SECONDS:
            # Django sends it only on requests that it sees come in by https; here the
            # proxy ends TLS. By plain http browsers disregard it.
            response.headers.setdefault(
                "Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}"
            )
        return response


def client_address(request: HttpRequest) -> str | None:
    """Who asks: the address that our outermost own proxy saw; None when unknown.

    Whatever stands further left in X-Forwarded-For is the client's own claim.
    """
    header = request.META.get("HTTP_X_FORWARDED_FOR", "")
    seen = [part.strip() for part in header.split(",") if part.strip()]
    proxies = settings.TRUSTED_PROXY_COUNT
    forwarded = seen[-proxies] if 0 < proxies <= len(seen) else ""
    return _plain(forwarded) or _plain(request.META.get("REMOTE_ADDR") or "")


def _plain(text: str) -> str | None:
    """An address as we count it: of IPv6 the network, as addresses there are free."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        network = ip_network((int(address), IPV6_PREFIX), strict=False)
        return str(network.network_address)
    return str(address)
