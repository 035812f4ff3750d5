"""Signed tokens that admit one relay socket to one call."""

from secrets import token_urlsafe

from django.core.signing import BadSignature, TimestampSigner

# Twilio opens the socket about a second after the TwiML; ringing can take longer.
TOKEN_LIFETIME_SECONDS = 300


def new_nonce() -> str:
    """A random value that makes a token single-use; stored in the call until used."""
    return token_urlsafe(16)


def relay_token(call_sid: str, nonce: str) -> str:
    """A token for the path of the socket; good for one socket of this call."""
    return _signer().sign_object([call_sid, nonce])


def read_token(token: str) -> tuple[str, str] | None:
    """The call SID and the nonce of a token; None if it is forged or expired."""
    try:
        call_sid, nonce = _signer().unsign_object(token, max_age=TOKEN_LIFETIME_SECONDS)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(call_sid), str(nonce)


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="voicebot.relay", sep=".")
