"""Reads language tags. Pure."""

import re

# Other codes for a language, by Google and by ISO 639. Cantonese is zh-HK or yue-HK.
ALIASES = {
    "arb": "ar",
    "cmn": "zh",
    "fil": "tl",
    "in": "id",
    "iw": "he",
    "mo": "ro",
    "nb": "no",
    "nn": "no",
    "pes": "fa",
    "prs": "fa",
    "swh": "sw",
    "yue": "zh",
    "zsm": "ms",
}
# Tags whose nearest relative is not their language alone (after CLDR's parent locales).
PARENTS = {
    "bs": "hr",
    "sh": "sr-Latn",
    "sr-me": "sr-Latn",
    "yue": "zh-HK",
    "zh-hans": "zh",
    "zh-hant-hk": "zh-HK",
    "zh-hant-mo": "zh-HK",
    "zh-hant": "zh-TW",
    "zh-mo": "zh-HK",
    **dict.fromkeys(
        ("pt-ao", "pt-cv", "pt-gw", "pt-mo", "pt-mz", "pt-st", "pt-tl"), "pt-PT"
    ),
}
REGION = re.compile(r"[A-Za-z]{2}|[0-9]{3}")
SCRIPT = re.compile(r"[A-Za-z]{4}")


def primary(tag: str) -> str:
    """The language of a tag in its usual code: "no" for nb-NO, "zh" for cmn-CN."""
    first = _parts(tag)[0].lower()
    return ALIASES.get(first, first)


def region(tag: str) -> str:
    """The region of a tag in capitals, "TW" for zh-Hant-TW; empty without one."""
    parts = [part for part in _parts(tag)[1:] if REGION.fullmatch(part)]
    return parts[-1].upper() if parts else ""


def lookup_tags(tag: str) -> list[str]:
    """Tags to look for in a list, the best first: sr-Latn-RS, sr-Latn, sr-RS, sr.

    The lookup of RFC 4647, which also finds parents and other codes of a language.
    """
    first = _parts(tag)[0].lower()
    language, own_region = primary(tag), region(tag)
    scripts = [part.title() for part in _parts(tag)[1:2] if SCRIPT.fullmatch(part)]
    script = scripts[0] if scripts else ""
    wanted = [
        (language, script, own_region),
        (language, script, ""),
        *([] if script else [(language, "", own_region)]),
    ]
    tags = ["-".join(filter(None, parts)) for parts in wanted]
    tags = [*([first] if first in PARENTS else []), *tags]
    tags += ["-".join(filter(None, (language, "", own_region))), language]
    with_parents = (found for tag in tags for found in (tag, PARENTS.get(tag.lower())))
    return list(dict.fromkeys(filter(None, with_parents)))


def _parts(tag: str) -> list[str]:
    return tag.strip().replace("_", "-").split("-")
