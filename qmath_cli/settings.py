"""All settings: their types, their defaults, and the sources of their values.

Defaults, the config file, the environment (`QMATH_*`) and flags are merged into one frozen `Settings`; each overrides
those before it. The file is flat TOML, in which a word may also stand without quotes: `model = "7b-instruct:q4_k_m"`,
`history = off`. An unknown name or a value of the wrong type raises a `UsageError` that names the source. Settings do
not depend on the machine: `auto` is resolved where it is used.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_type_hints

from qmath_cli.errors import UsageError
from qmath_cli.records import Aggregate, AnswerLanguage, Mode, Pick, ServerKind


class Render(StrEnum):
    """How mathematics is drawn in a terminal."""

    AUTO = "auto"
    LINE = "line"
    ASCII = "ascii"
    OFF = "off"


class Grade(StrEnum):
    """Which grader's verdict counts."""

    OFFICIAL = "official"
    STRICT = "strict"


class KVType(StrEnum):
    """Element type of the KV cache."""

    F16 = "f16"
    Q8_0 = "q8_0"


class Draft(StrEnum):
    """How tokens are drafted, where no model does it."""

    AUTO = "auto"  # looked up where that gains
    LOOKUP = "lookup"  # the same, and it is said where it cannot be done
    OFF = "off"


class HubName(StrEnum):
    """A hub that has the released checkpoints."""

    HUGGINGFACE = "huggingface"
    MODELSCOPE = "modelscope"


#: A line such as `history = off`; TOML itself knows the words true, false, inf and nan.
_BARE = re.compile(
    r"^([ \t]*\w+[ \t]*=[ \t]*)(?!(?:true|false|inf|nan)\b)([A-Za-z][\w.:-]*)(?=[ \t]*(?:#.*)?$)", re.MULTILINE
)

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


@dataclass(frozen=True, slots=True)
class Settings:
    """The merged settings. None means that the mode or the model decides."""

    # which model, and how it is run
    model: str = ""  # name[:quantization] or a path; empty: the best installed model, else the demo
    models: str = ""  # the folder of the models, such as one on another disk; empty: the usual one
    device: str = "auto"  # auto, cpu, metal, cuda, or the name of a device
    gpu_layers: str = "auto"  # auto or a number
    threads: int = 0  # 0: the number of physical cores; for a model of a few MB, 1 per batch
    ctx: int = 4096  # tokens; at most the context the model was trained on
    kv_type: KVType = KVType.F16
    mlock: bool = False
    server: str = ""  # URLs of model servers, between blanks; empty: the model runs on this machine
    server_kind: ServerKind | None = None  # None: found out
    draft: str = "auto"  # auto, lookup, off, or the name or path of a smaller model
    repack: bool = True  # False: on a CPU, only the file's weights are in memory, not a copy in the CPU's own layout

    # how a problem is solved
    mode: Mode | None = None  # None: TIR if the model supports it, else CoT
    language: AnswerLanguage = AnswerLanguage.AUTO  # of the solution; auto: the model follows the problem
    try_unknown: bool = False  # let the demo try problems of kinds that it was not trained on
    k: int = 1  # samples per problem
    pick: Pick = Pick.MAJ
    reward_model: str = ""  # a name or a path; empty: none
    reward_server: str = ""  # the URL of a server that has the reward model; empty: it runs on this machine
    aggregate: Aggregate = Aggregate.PRODUCT  # how the scores of a solution's steps become one number
    stop_at: int = 3  # equal answers that end a Maj@k early; 0: always k samples
    seed: int = 0  # of the first sample; sample i has seed + i
    temperature: float | None = None  # None: 0 for one sample, 0.7 for several
    top_p: float | None = None  # None: 1 for one sample, 0.8 for several
    top_k: int = 0
    min_p: float = 0.0
    max_tokens: int = 2048  # per sample
    max_programs: int = 4  # per sample

    # programs
    exec_timeout: float = 10.0  # seconds for one program
    exec_memory: int = 1536  # MiB of address space
    allow_basic_executor: bool = False

    # downloads
    hub: HubName = HubName.HUGGINGFACE

    # the terminal
    render: Render = Render.AUTO
    history: bool = True  # keep solved problems, and what is typed in the REPL


# what an open model, its engine and its executor are made with; to change these it is opened again
FIXED = frozenset({
    "model", "device", "gpu_layers", "threads", "ctx", "kv_type", "mlock", "repack",
    "draft", "server", "server_kind", "exec_timeout", "exec_memory", "allow_basic_executor",
})  # fmt: skip


#: The least and the greatest value of a number, wherever it comes from; None where there is no limit.
BOUNDS: Mapping[str, tuple[float, float | None]] = {
    "threads": (0, None),
    "ctx": (64, None),
    "k": (1, 64),
    "stop_at": (0, None),
    "seed": (0, None),
    "temperature": (0, None),
    "top_p": (0, 1),
    "top_k": (0, None),
    "min_p": (0, 1),
    "max_tokens": (1, None),
    "max_programs": (0, None),
    "exec_timeout": (0.1, None),
    "exec_memory": (64, None),
}


@dataclass(frozen=True, slots=True)
class Origin:
    """A value and its source: `default`, the path of the config file, an environment variable, or `flag`."""

    value: object
    source: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The merged settings, and for each of them its value and source, in the order of `Settings`."""

    settings: Settings
    origins: Mapping[str, Origin]


_LAYERS = re.compile(r"\s*(auto|[+-]?\d{1,9})\s*", re.IGNORECASE)  # what `gpu_layers` may be


def resolve(config: Path | None, environ: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Resolved:
    """Merge the settings of all sources.

    Args:
        config: The config file, which need not exist; None for none.
        environ: The environment.
        flags: Values from the command line by setting; None means that the flag was not given.

    Raises:
        UsageError: An unknown setting in the file, a value of the wrong type, or a file that is not TOML.
    """
    origins = {field.name: Origin(field.default, "default") for field in fields(Settings)}
    for name, value in _read(config).items():
        origins[name] = Origin(_convert(name, value, str(config)), str(config))
    for name in list(origins):
        variable = f"QMATH_{name.upper()}"
        if environ.get(variable):
            origins[name] = Origin(_convert(name, environ[variable], variable), variable)
    for name, value in (flags or {}).items():
        if value is not None:
            origins[name] = Origin(_convert(name, value, f"--{name.replace('_', '-')}"), "flag")
    values: dict[str, Any] = {name: origin.value for name, origin in origins.items()}
    return Resolved(Settings(**values), origins)


def converted(values: Mapping[str, object]) -> dict[str, Any]:
    """Convert values to the types of their settings.

    Args:
        values: Values by setting.

    Raises:
        UsageError: An unknown setting, or a value of the wrong type.
    """
    _require_known(values)
    return {name: _convert(name, value, name) for name, value in values.items()}


def _require_known(names: Iterable[str], source: str = "") -> None:
    known = sorted(field.name for field in fields(Settings))
    for name in names:
        if name not in known:
            raise UsageError(f"{source}unknown setting {name!r}", f"known: {', '.join(known)}")


def _read(config: Path | None) -> dict[str, object]:
    if config is None:
        return {}
    try:
        if not config.is_file():
            return {}
        found = _toml(config.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise UsageError(f"cannot read {config}: {exc}", "the file is TOML, with lines such as: k = 8") from exc
    _require_known(found, f"{config}: ")
    return found


def _toml(text: str) -> dict[str, object]:
    """The file's content; where it is not TOML, once more with the bare words between quotes."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        quoted = _BARE.sub(r'\1"\2"', text)
        if quoted == text:
            raise
    return tomllib.loads(quoted)


def _convert(name: str, value: object, source: str) -> object:
    """Convert a raw value to the setting's type: a string from the environment, or a value from TOML or a flag."""
    wanted = get_type_hints(Settings)[name]
    kinds = [kind for kind in get_args(wanted) if kind is not type(None)] or [wanted]
    kind = kinds[0]
    if name == "gpu_layers" and not _LAYERS.fullmatch(str(value)):
        raise UsageError(
            f"{source}: {value!r} is neither auto nor a number", "the value is auto, a number, or -1 for all layers"
        )
    try:
        found = _as(kind, value)
    except (ValueError, TypeError) as exc:
        allowed = f"one of {', '.join(kind)}" if issubclass(kind, StrEnum) else _KINDS[kind]
        raise UsageError(f"{source}: {value!r} is not a value for {name}", f"the value is {allowed}") from exc
    _require_bounded(name, found, source)
    return found


def _require_bounded(name: str, value: object, source: str) -> None:
    if name not in BOUNDS or not isinstance(value, int | float):
        return
    low, high = BOUNDS[name]
    if not low <= value <= (math.inf if high is None else high):  # NaN is in no range
        allowed = f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        raise UsageError(f"{source}: {value:g} is out of range for {name}", f"the value is {allowed}")


def _as(kind: Any, value: object) -> object:  # noqa: ANN401  a field's type is only known at run time
    if kind is bool:
        return _flag(value)
    if kind is int and isinstance(value, str) and value.lower() == "off":
        return 0
    if isinstance(value, bool) or (isinstance(value, float) and kind is int):
        raise TypeError(value)
    if kind is str:
        return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return kind(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError(value)
