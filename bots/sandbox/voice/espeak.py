"""espeak-ng through ctypes: the wheel has the library, but no binding."""

import ctypes
import tempfile
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader

NATIVE_RATE = 22_050
# espeak copies the path of its data into a buffer of 160 bytes.
MAX_DATA_PATH_LENGTH = 140

_SYNCHRONOUS, _DONT_EXIT = 2, 0x8000
_UTF8, _PAUSE_AT_END = 1, 0x1000
_RATE, _PITCH = 1, 3
_WORD = 1
_NAMES = {"en-gb": "en", "es-mx": "es-419", "zh-cn": "cmn", "zh": "cmn"}


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """espeak's parameters for a voice."""

    language: str
    variant: str
    pitch: int
    words_per_minute: int


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # in characters, from 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # in milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.POINTER(ctypes.c_short),
    ctypes.c_int,
    ctypes.POINTER(_Event),
)


class Espeak:
    """The library: one per process, and one call of `say` at a time."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._marks: list[tuple[int, int]] = []
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        path = self._short_data_path()
        if self._library.espeak_Initialize(_SYNCHRONOUS, 0, path, _DONT_EXIT) <= 0:
            raise RuntimeError(f"espeak-ng cannot read its data at {path.decode()}.")
        self._callback = _Callback(self._collect)  # a reference: the library holds none
        self._library.espeak_SetSynthCallback(self._callback)

    def say(
        self, text: str, voice: EspeakVoice, speaking_rate: float
    ) -> tuple[bytes, list[tuple[int, int]]]:
        """PCM at the native rate; for each mark, the character and its millisecond."""
        self._pcm.clear()
        self._marks = []
        self._select(voice)
        words_per_minute = round(voice.words_per_minute * speaking_rate)
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
        spoken = text.encode(errors="ignore")
        self._library.espeak_Synth(
            spoken, len(spoken) + 1, 0, 0, 0, _UTF8 | _PAUSE_AT_END, None, None
        )
        return bytes(self._pcm), self._marks

    def _select(self, voice: EspeakVoice) -> None:
        primary = voice.language.split("-")[0]
        for name in (voice.language, primary, "en-us"):
            espeak_name = f"{_NAMES.get(name, name)}+{voice.variant}"
            if self._library.espeak_SetVoiceByName(espeak_name.encode()) == 0:
                return

    def _collect(self, samples, count, events) -> int:  # type: ignore[no-untyped-def]
        if samples and count:
            self._pcm += ctypes.string_at(samples, count * 2)
        index = 0
        while events[index].type:
            if events[index].type == _WORD:
                event = events[index]
                self._marks.append((event.text_position - 1, event.audio_position))
            index += 1
        return 0

    def _short_data_path(self) -> bytes:
        path = str(espeakng_loader.get_data_path())
        if len(path.encode()) > MAX_DATA_PATH_LENGTH:
            self._directory = tempfile.TemporaryDirectory(prefix="sandbox-voice-")
            link = Path(self._directory.name) / "data"
            link.symlink_to(path)
            path = str(link)
        return path.encode()
