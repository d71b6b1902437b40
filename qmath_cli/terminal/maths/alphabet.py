"""The two alphabets in which mathematics can be drawn."""

from enum import StrEnum


class Alphabet(StrEnum):
    """Unicode signs, or what every terminal since 1967 can show."""

    UNICODE = "unicode"
    ASCII = "ascii"
