"""Recognises data that is a compressed file or a text instead of samples."""

MAGICS = ((b"OggS", "Ogg"), (b"fLaC", "FLAC"), (b"\x1aE\xdf\xa3", "WebM"))
# The first bytes of all formats: other data is known to be samples by one look.
FIRST_BYTES = frozenset(b"OfI{[<\x1a\xff")
ID3_HEADER_BYTES = 10
# Shorter texts could be samples.
MIN_TEXT_BYTES = 16

# Kilobits a second of MP3 frames, by MPEG version; hertz by version and index.
BITRATES = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {
    0b11: (44_100, 48_000, 32_000),
    0b10: (22_050, 24_000, 16_000),
    0b00: (11_025, 12_000, 8_000),
}


def container_of(data: bytes) -> str:
    """The name of the format that `data` begins with; empty for samples.

    A first bytes' chance to be samples nevertheless is less than one in 10⁸.
    """
    if not data or data[0] not in FIRST_BYTES:
        return ""
    for magic, name in MAGICS:
        if data.startswith(magic):
            return name
    if _is_id3(data) or _is_mp3(data):
        return "MP3"
    return "text" if _is_text(data) else ""


def _is_id3(data: bytes) -> bool:
    header = data[:ID3_HEADER_BYTES]
    if len(header) < ID3_HEADER_BYTES or header[:3] != b"ID3":
        return False
    return header[3] in (2, 3, 4) and max(header[6:]) < 0x80


def _is_mp3(data: bytes) -> bool:
    """True if one MP3 frame fills the data, or another follows it.

    The first two bytes of a frame alone can be a sample.
    """
    length = _frame_length(data[:4])
    if not length:
        return False
    return length == len(data) or bool(_frame_length(data[length : length + 4]))


def _frame_length(header: bytes) -> int:
    """Bytes of the MP3 frame (layer III) with this header; 0 if it is none."""
    word = int.from_bytes(header, "big") if len(header) == 4 else 0
    version, layer = word >> 19 & 0b11, word >> 17 & 0b11
    bitrate, rate = word >> 12 & 0b1111, word >> 10 & 0b11
    if word >> 21 != 0x7FF or version not in RATES or layer != 0b01:
        return 0
    if bitrate in (0, 15) or rate == 3:
        return 0
    generation = 1 if version == 0b11 else 2
    bits = 1000 * BITRATES[generation][bitrate]
    samples = 144 if generation == 1 else 72  # an eighth of a frame's
    return samples * bits // RATES[version][rate] + (word >> 9 & 1)


def _is_text(data: bytes) -> bool:
    """True for JSON and HTML: such bytes as samples would all be very loud."""
    if len(data) < MIN_TEXT_BYTES or data[:1] not in (b"{", b"[", b"<"):
        return False
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return all(sign.isprintable() or sign.isspace() for sign in text)
