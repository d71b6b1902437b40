"""What can go wrong in a conversion.

    ConvertError             the root: a message, and a hint that works
    ├── DamagedCheckpoint    a file is missing, truncated, altered, or does not say what its neighbours say
    ├── UnsupportedModel     a sound checkpoint of something that this converter does not convert
    ├── CannotWrite          the disk is full, read-only, or not ours
    ├── VerificationFailed   the file written is not what was planned
    └── LibraryMissing       the quantization library (libggml-base) is missing or too old

The program that embeds the converter gives these their exit codes. An error of a `Source` that is not of this tree (a
download that failed) passes through untouched.
"""


class ConvertError(Exception):
    """The root: `message` says what is wrong, `hint` what to do about it (may be empty)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DamagedCheckpoint(ConvertError):
    """A file of the checkpoint is missing, truncated or altered, or contradicts another one."""


class UnsupportedModel(ConvertError):
    """The checkpoint may be sound, but it is not of a kind that this converter knows."""


class CannotWrite(ConvertError):
    """The output cannot be written: no room, no permission, or something else has the name."""


class VerificationFailed(ConvertError):
    """The file that was written is not the one that was planned."""


class LibraryMissing(ConvertError):
    """libggml-base, which ships with llama-cpp-python, cannot be loaded or lacks a function."""
