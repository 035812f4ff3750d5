"""The caller and the number called, as Twilio and the networks write them. Pure.

The same person calls as +49…, sip:+49…@host;user=phone, whatsapp:+49… or tel:+49-…,
and a hidden number has a dozen spellings. `canonical` is the one form of them all.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

import phonenumbers

# The word for all callers who hide their number.
ANONYMOUS = "anonymous"
# Words that networks and PBXs send in place of a number, and those around them, as in
# “Private Caller ID” and “Number withheld”.
_HIDDEN = (
    "anonymous|anonym|unbekannt|restricted|unavailable|notavailable|notprovided|"
    "unknown|private|blocked|withheld|hidden|outofarea|nonumber|nocallerid|none|null|"
    "undefined"
)
_AROUND = "caller|call|id|cid|name|number|user|coverage"
_HIDDEN_WORDS = re.compile(rf"(?:{_AROUND})*(?:{_HIDDEN})(?:{_AROUND}|{_HIDDEN})*")
_KEYS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
# The words as digits, dialled on the keys of a phone: +266696687 spells ANONYMOUS
# (Twilio, "Why am I getting calls from these strange numbers?"). The last two are in
# that list as well; they spell nothing.
_HIDDEN_DIGITS = {word.translate(_KEYS) for word in _HIDDEN.split("|")} | {
    "464",
    "7378742883",
}
_ZEROS = re.compile(r"0+|10{7,}")
_HIDDEN_HOST = "anonymous.invalid"  # RFC 3323

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_NAME_ADDRESS = re.compile(r'"?(?P<name>[^"<]*)"?\s*<(?P<uri>[^<>]*)>.*', re.DOTALL)
_SCHEME = re.compile(r"[a-z][a-z0-9-]*")
_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015\u2212]")
# Marks of direction and width that copied texts contain.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_CONTEXT = re.compile(r"(?:^|;)phone-context=(\+\d+)", re.IGNORECASE)
# Fewer digits without + are a short code or an extension, not a country's number.
_MIN_DIGITS = 8
# Shorter digits that spell a word count with + only: 464 may be an extension.
_MIN_SPELT_DIGITS = 9
# Their users are numbers of the telephone network. Apps choose the names of others.
_NUMBER_SCHEMES = ("", "sip", "sips", "tel", "whatsapp")
_AMERICAN_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address; `user` is all of a plain number."""

    scheme: str
    user: str
    host: str
    display_name: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read a number, a SIP or tel URI, client:… or whatsapp:…, as From has it."""
        uri, name = _INVISIBLE.sub("", text).strip(), ""
        if match := _NAME_ADDRESS.fullmatch(uri):
            uri, name = match["uri"].strip(), match["name"].strip()
        scheme, colon, rest = uri.partition(":")
        scheme = scheme.strip().lower()
        if not colon or not _SCHEME.fullmatch(scheme):
            scheme, rest = "", uri
        if scheme not in ("", "sip", "sips", "tel"):
            return cls(scheme, rest.strip(), "", name)
        user, _, host = rest.partition("?")[0].partition("@")
        return cls(scheme, _number_part(user), _host(host), name)

    @property
    def digits(self) -> str:
        """The user as digits, with its + if it has one; empty if it is no number."""
        digits = _SEPARATORS.sub("", self.user.replace("(0)", ""))
        if not re.fullmatch(r"\+?[0-9]+", digits):
            return ""
        is_name = self.scheme not in _NUMBER_SCHEMES and not digits.startswith("+")
        return "" if is_name else digits

    @property
    def is_hidden(self) -> bool:
        """True if it stands for a caller who hides their number."""
        is_nobody = _HIDDEN_HOST in (self.host, self.user.lower())
        is_hidden_name = self.display_name and _is_hidden_word(self.display_name)
        return is_nobody or bool(is_hidden_name) or _is_hidden_word(self.user)

    def __str__(self) -> str:
        """The address in lower case, without what does not name the person."""
        user = self.user.lower()
        if self.host:
            return f"sip:{user}@{self.host}"
        return f"{self.scheme}:{user}" if self.scheme else user


def is_hidden(text: str) -> bool:
    """True if the caller hides their number, in any spelling."""
    return Address.parse(text).is_hidden


def number_in(text: str, other: str = "") -> str:
    """The phone number in an address, in E.164; empty if there is none.

    A national number is read as one of the country of `other`, the number at the other
    end of the call.
    """
    address = Address.parse(text)
    return "" if address.is_hidden else _to_e164(address.digits, other)


def canonical(text: str, other: str = "") -> str:
    """The one form of all spellings of a caller; empty if the number is hidden."""
    address = Address.parse(text)
    if address.is_hidden:
        return ""
    short = "" if address.host else address.digits
    return _to_e164(address.digits, other) or short or str(address)


def shown(text: str, other: str = "") -> str:
    """A number in E.164, another address as it came; empty if the number is hidden."""
    return "" if is_hidden(text) else number_in(text, other) or text.strip()


def national_number(number: str) -> str:
    """The digits of a number in E.164 that follow the country code, without zeros."""
    parsed = _parse(number)
    return str(parsed.national_number) if parsed else number.lstrip("+")


def _number_part(user: str) -> str:
    """The user of a URI without password and parameters; a local number with its +."""
    name, _, parameters = unquote(user).partition(";")
    name = name.partition(":")[0].strip()
    context = _CONTEXT.search(parameters)
    local = context and not name.startswith("+")
    return f"{context[1]}{name}" if context and local else name


def _host(text: str) -> str:
    host = text.partition(";")[0].strip().lower()
    return re.sub(r":[0-9]*$", "", host).rstrip(".")


def _is_hidden_word(text: str) -> bool:
    plain = re.sub(r"[\W_]", "", unquote(text)).lower()
    if not plain.isdecimal():  # a dash or nothing at all says as little
        return not plain or bool(_HIDDEN_WORDS.fullmatch(plain))
    is_long = len(plain) >= _MIN_SPELT_DIGITS or text.startswith("+")
    is_spelt = {plain, plain.removeprefix("1")} & _HIDDEN_DIGITS
    return bool((is_long and is_spelt) or _ZEROS.fullmatch(plain))


def _to_e164(digits: str, other: str) -> str:
    """Digits as a number in E.164; empty for short codes, extensions and nothing."""
    if digits.startswith("+"):
        return _tidy(digits) if E164.fullmatch(digits) else ""
    their = Address.parse(other).digits
    country = _parse(their) if their.startswith("+") else None
    region = phonenumbers.region_code_for_number(country) if country else None
    national = _parse(digits, region) if region else None
    own = _e164(national) if national and _is_valid(national) else ""
    foreign = _international(re.sub("^(00|011)", "", digits))
    is_american = country is not None and country.country_code == 1
    if digits.startswith("0") or (is_american and len(digits) == _AMERICAN_DIGITS):
        return own or foreign
    number = _parse(foreign) if own else None
    return own if own and not (number and _is_valid(number)) else foreign


def _international(digits: str) -> str:
    """Digits that begin with a country code; empty if no number has this length."""
    number = _parse(f"+{digits}") if len(digits) >= _MIN_DIGITS else None
    if number is None:
        return ""
    reason = phonenumbers.is_possible_number_with_reason(number)
    is_possible = reason == phonenumbers.ValidationResult.IS_POSSIBLE
    return _tidy(f"+{digits}") if is_possible else ""


def _tidy(number: str) -> str:
    """A valid number without a trunk zero; others stay, to match their later calls."""
    parsed = _parse(number)
    return _e164(parsed) if parsed and _is_valid(parsed) else number


def _parse(number: str, region: str | None = None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None


def _is_valid(number: phonenumbers.PhoneNumber) -> bool:
    return phonenumbers.is_valid_number(number)


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
