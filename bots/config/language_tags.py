"""Reads language tags. Pure."""

import re

# Other codes for a language, by Google and by ISO 639. Cantonese is zh-HK or yue-HK.
ALIASES = {
    "cmn": "zh",
    "fil": "tl",
    "iw": "he",
    "nb": "no",
    "nn": "no",
    "yue": "zh",
}
REGION = re.compile(r"[A-Za-z]{2}|[0-9]{3}")


def primary(tag: str) -> str:
    """The language of a tag in its usual code: "no" for nb-NO, "zh" for cmn-CN."""
    first = tag.split("-")[0].lower()
    return ALIASES.get(first, first)


def region(tag: str) -> str:
    """The region of a tag in capitals, "TW" for zh-Hant-TW; empty without one."""
    parts = [part for part in tag.split("-")[1:] if REGION.fullmatch(part)]
    return parts[-1].upper() if parts else ""
