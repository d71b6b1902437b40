"""The errors that a user can do something about, and the exit codes.

    QmathError                 exit 1   the base class: a message, and a hint
    ├── UsageError             exit 2   the command line or a configuration value is wrong
    │   └── DataError          exit 2   a data set or an input file has the wrong format
    ├── PromptTooLong          exit 3   the problem does not fit into the model's context
    ├── ModelMissing           exit 6   the model is not on this machine
    ├── IntegrityError         exit 7   a hash or the lock does not match, a damaged file
    ├── DoesNotFit             exit 8   not enough memory or disk
    ├── EngineUnusable         exit 9   llama.cpp is missing or cannot run here
    ├── ServerUnusable     exit 9   a model server cannot be reached or used
    ├── ExecutorUnusable       exit 9   no worker could be confined or started here
    ├── NetworkError           exit 1   a download failed, after its retries
    ├── Interrupted            exit 130 Ctrl-C
    └── Terminated             exit 143 SIGTERM

An expected failure is data and not an exception: a program that crashed, an answer that cannot be graded, a sequence
that ran out of context (see `records`). Errors of libraries and of the system are translated where they are caught,
with `raise ... from`.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of `qmath`; the README explains them."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NO_ANSWER = 3
    DIFFERENT = 4
    LOW_AGREEMENT = 5
    MODEL_MISSING = 6
    INTEGRITY = 7
    DOES_NOT_FIT = 8
    ENGINE = 9
    TIMEOUT = 124
    INTERRUPTED = 130
    TERMINATED = 143


class QmathError(Exception):
    """The base class.

    Attributes:
        message: What is wrong.
        hint: What to do about it; may be empty.
        exit_code: The exit code of the process if this error ends it.
    """

    exit_code: ExitCode = ExitCode.UNEXPECTED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(QmathError):
    """The command line or a configuration value is wrong."""

    exit_code = ExitCode.USAGE


class DataError(UsageError):
    """A data set or an input file has the wrong format; the message names file and line."""


class PromptTooLong(QmathError):
    """The problem does not fit into the model's context."""

    exit_code = ExitCode.NO_ANSWER


class ModelMissing(QmathError):
    """The model is not on this machine."""

    exit_code = ExitCode.MODEL_MISSING


class IntegrityError(QmathError):
    """A hash or the lock does not match, or a file is damaged."""

    exit_code = ExitCode.INTEGRITY


class DoesNotFit(QmathError):
    """Not enough memory or disk."""

    exit_code = ExitCode.DOES_NOT_FIT


class EngineUnusable(QmathError):
    """llama.cpp is missing or cannot run here."""

    exit_code = ExitCode.ENGINE


class ServerUnusable(QmathError):
    """A model server cannot be reached, refuses, or has no such model."""

    exit_code = ExitCode.ENGINE


class ExecutorUnusable(QmathError):
    """No worker could be confined or started here. A failed program is not an error."""

    exit_code = ExitCode.ENGINE


class NetworkError(QmathError):
    """A download failed, after its retries."""


class Interrupted(QmathError):
    """Ctrl-C."""

    exit_code = ExitCode.INTERRUPTED


class Terminated(QmathError):
    """SIGTERM."""

    exit_code = ExitCode.TERMINATED


class TerminationSignal(SystemExit):
    """Raised by the handler of SIGTERM, as `KeyboardInterrupt` is by that of SIGINT; reported as `Terminated`.

    Not an `Exception`: a library that translates those would report the signal as a failure of its own. And a
    `SystemExit`: an event loop keeps any other exception to itself, and the REPL waits for keys in one.
    """
