"""The errors of a conversion.

    ConvertError             the root: a message and a hint
    ├── DamagedCheckpoint    a file is missing, truncated or altered, or contradicts another one
    ├── UnsupportedModel     a sound checkpoint of a model that this converter does not convert
    ├── BadRule              a rule for tensor types cannot be read, or matches nothing
    ├── CannotWrite          the disk is full or read-only, or another process is writing the file
    ├── VerificationFailed   the file written differs from the plan
    └── LibraryMissing       the quantization library (libggml-base) is missing or too old

The calling program maps these to exit codes. An error of a `Source` that is not in this tree (a download that failed)
passes through unchanged.
"""


class ConvertError(Exception):
    """The root. `message` describes what is wrong, `hint` what to do about it; the hint may be empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DamagedCheckpoint(ConvertError):
    """A file of the checkpoint is missing, truncated or altered, or contradicts another one."""


class UnsupportedModel(ConvertError):
    """The checkpoint may be sound, but this converter does not convert its architecture or types."""


class BadRule(ConvertError):
    """A rule for the types of tensors has another form, names an unknown type, or matches no matrix."""


class CannotWrite(ConvertError):
    """The output cannot be written: no room, no permission, or another process is writing it."""


class VerificationFailed(ConvertError):
    """The file that was written differs from the plan."""


class LibraryMissing(ConvertError):
    """libggml-base, a part of llama-cpp-python, cannot be loaded or lacks a function."""


#: The hint for a file that is damaged or incomplete, whoever made it.
AGAIN = "If it was downloaded, download it again; if it is your own, save it again."
