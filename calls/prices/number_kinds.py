"""The kinds of telephone numbers that Twilio has prices for. Pure."""

import phonenumbers
from phonenumbers import PhoneNumberType as Type

SIP, APP = "SIP", "app"
LOCAL = "local"
NAMES = {
    Type.MOBILE: "mobile",
    Type.TOLL_FREE: "toll-free",
    Type.SHARED_COST: "shared cost",
    Type.PREMIUM_RATE: "premium",
    Type.UAN: "national",
    Type.VOIP: "national",
}


def number_kind(address: str) -> str:
    """“US local”, “DE mobile”, “SIP” or “app”; empty for a number of no country.

    Where mobile numbers look like all others, as in the US, they are local.
    """
    scheme, colon, _ = address.partition(":")
    if colon:
        return SIP if scheme.lower() in ("sip", "sips") else APP
    try:
        number = phonenumbers.parse(address)
    except phonenumbers.NumberParseException:
        return ""
    region = phonenumbers.region_code_for_number(number)
    if not region and number.country_code:
        country = phonenumbers.region_code_for_country_code(number.country_code)
        region = "" if country in ("ZZ", "001") else country
    kind = NAMES.get(phonenumbers.number_type(number), LOCAL)
    return f"{region} {kind}" if region else ""
