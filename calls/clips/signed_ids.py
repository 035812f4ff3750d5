"""Ids of clips that this deployment can recognise later, without a store.

An id is unguessable, because it ends with a code that only SECRET_KEY can make.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from secrets import compare_digest, token_bytes
from time import time

from django.conf import settings

from calls.turns.clip_ids import EARLY_SUFFIX, MP3_SUFFIX, REPORTED_SUFFIX, is_phrase

RANDOM_BYTES, TIME_BYTES, CODE_BYTES = 16, 4, 13
# In an id of base64, every character counts: its bytes are a multiple of three.
ID_LENGTH = (RANDOM_BYTES + TIME_BYTES + CODE_BYTES) * 4 // 3
PHRASE_CODE_LENGTH = 24
# No call plays a clip later than this after it was made.
MAX_AGE_SECONDS = 3600


def new_clip_id() -> str:
    """An id of a new clip: a random part, the time, and the code of both."""
    now = int(time()).to_bytes(TIME_BYTES, "big")
    data = token_bytes(RANDOM_BYTES) + now
    return urlsafe_b64encode(data + _code(data)[:CODE_BYTES]).decode()


def phrase_id(key: bytes) -> str:
    """The id of a fixed sentence, the same in every process; `key` describes it."""
    digest = _code(b"phrase:" + key).hex()[:-PHRASE_CODE_LENGTH]
    return digest + _phrase_code(digest)


def is_issued(clip_id: str) -> bool:
    """True for an id that this deployment gave to a call which may still go on.

    Ids of fixed sentences are good for all calls, at any time.
    """
    if is_phrase(clip_id):
        digest = clip_id[:-PHRASE_CODE_LENGTH]
        return compare_digest(clip_id, digest + _phrase_code(digest))
    for suffix in (EARLY_SUFFIX, REPORTED_SUFFIX, MP3_SUFFIX):
        clip_id = clip_id.removesuffix(suffix)
    if len(clip_id) != ID_LENGTH or not clip_id.isascii():
        return False
    try:
        parts = urlsafe_b64decode(clip_id)
    except ValueError:
        return False
    data, code = parts[:-CODE_BYTES], parts[-CODE_BYTES:]
    if not compare_digest(code, _code(data)[:CODE_BYTES]):
        return False
    age = time() - int.from_bytes(data[RANDOM_BYTES:], "big")
    return abs(age) <= MAX_AGE_SECONDS  # another machine's clock may be ahead


def _phrase_code(digest: str) -> str:
    return _code(digest.encode()).hex()[:PHRASE_CODE_LENGTH]


def _code(data: bytes) -> bytes:
    key: bytes = settings.SECRET_KEY.encode()
    return hmac.digest(key, b"voicebot.clip:" + data, "sha256")
