"""A user's text from its bytes: UTF-8, UTF-16, UTF-32, or GB18030, which Chinese Windows writes.

UTF-8 is tried first. UTF-16 without a byte order mark and GB18030 are read only where the bytes leave little doubt, and
the caller is told; anything else is refused, because a problem with a wrong character is another problem.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from qmath_cli.errors import UsageError

_MARKS = (  # the longer marks first: that of UTF-32 LE begins with that of UTF-16 LE
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAVE = "save it as UTF-8, or convert it: iconv -f ENCODING -t UTF-8 FILE > NEW_FILE"
_HAN = re.compile(r"[\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
#: What problems are written in: Latin, Greek, signs, Chinese and its punctuation, mathematical letters.
_ORDINARY = re.compile(
    r"[\t\n\r -~\xa0-\xff\u0370-\u03ff\u2000-\u22ff\u3000-\u303f\u4e00-\u9fff\uff00-\uffef\U0001d400-\U0001d7ff]+"
)


@dataclass(frozen=True, slots=True)
class Decoded:
    r"""A text whose lines end in `\n`; `guessed` is its encoding where nothing in the bytes names it."""

    text: str
    guessed: str | None = None


def decode(raw: bytes, source: str) -> Decoded:
    """The text of these bytes.

    Args:
        raw: All bytes of the text.
        source: Where they come from, for the message.

    Raises:
        UsageError: They are in none of the encodings; the message names the first byte that does not fit.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return Decoded(
                _strict(raw, encoding, len(mark), f"{source} is not {encoding[:6].rstrip('-').upper()} text")
            )
    if b"\0" in raw and (text := _utf16(raw)) is not None:
        return Decoded(_lines(text), "UTF-16")
    if (text := _decoded(raw, "utf-8")) is not None:
        return Decoded(_lines(text))
    if (text := _gb18030(raw)) is not None:
        return Decoded(_lines(text), "GB18030")
    return Decoded(_strict(raw, "utf-8", 0, f"{source} is not text in UTF-8, UTF-16 or GB18030"))


def _strict(raw: bytes, encoding: str, start: int, message: str) -> str:
    try:
        return _lines(raw[start:].decode(encoding))
    except UnicodeDecodeError as exc:
        at = start + exc.start
        raise UsageError(f"{message}: byte {at} is 0x{raw[at]:02x}", _SAVE) from exc


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _utf16(raw: bytes) -> str | None:
    """UTF-16 without a mark, if one order of the bytes gives an ordinary text and the zeros are its upper halves."""
    even, odd = raw[0::2].count(0), raw[1::2].count(0)
    orders = (("utf-16-le", odd, even), ("utf-16-be", even, odd))
    texts = [
        (text, upper, lower)
        for encoding, upper, lower in orders
        if upper and (text := _decoded(raw, encoding)) is not None and _ORDINARY.fullmatch(text)
    ]
    certain = [text for text, upper, lower in texts if upper > (1 if len(texts) == 1 else 4) * lower]
    return certain[0] if len(certain) == 1 else None


def _gb18030(raw: bytes) -> str | None:
    """GB18030 if it gives Chinese: at least two characters, four of five from the 3,755 that GB 2312 calls frequent.

    The bytes of another encoding hardly give these. Kana would be Japanese, in an encoding with the same layout.
    """
    text = _decoded(raw, "gb18030")
    if text is None or _KANA.search(text):
        return None
    han = _HAN.findall(text)
    return text if len(han) > 1 and 5 * sum(map(_is_frequent, han)) >= 4 * len(han) else None


def _is_frequent(char: str) -> bool:
    code = char.encode("gb18030")
    return 0xB0 <= code[0] <= 0xD7 and code[1] >= 0xA1


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None
