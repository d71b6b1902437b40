"""The character sets in which mathematics is drawn."""

from enum import StrEnum


class Alphabet(StrEnum):
    """The characters that a drawing may contain."""

    UNICODE = "unicode"
    ASCII = "ascii"
