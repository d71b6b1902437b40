"""Every setting, once: its type, its default, and where its value came from.

defaults < config file < environment (`QMATH_*`) < flags, merged into one frozen `Settings`. The file is TOML, flat:
`model = "7b-instruct:q4_k_m"`. An unknown name or a value of the wrong kind is a `UsageError` that names its source.
Nothing here looks at the machine: `auto` stays `auto` until the room concerned decides.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_type_hints

from qmath_cli.errors import UsageError
from qmath_cli.records import Mode, Pick


class Render(StrEnum):
    """How mathematics is drawn in a terminal."""

    AUTO = "auto"
    LINE = "line"
    ASCII = "ascii"
    OFF = "off"


class Grade(StrEnum):
    """Which grader's word counts."""

    OFFICIAL = "official"
    STRICT = "strict"


class KVType(StrEnum):
    """Element type of the KV cache."""

    F16 = "f16"
    Q8_0 = "q8_0"


@dataclass(frozen=True, slots=True)
class Settings:
    """The merged settings; None means "as the mode or the model decides"."""

    # which model, and how it is run
    model: str = ""  # name[:quantization] or a path; empty: the best one installed, else the demo
    device: str = "auto"  # auto, cpu, metal, cuda, or a device's own name
    gpu_layers: str = "auto"  # auto or a number
    threads: int = 0  # 0: physical cores; for a model of a few MB one per batch
    ctx: int = 4096  # tokens; more than the model was trained on is refused
    kv_type: KVType = KVType.F16
    mlock: bool = False

    # how a problem is solved
    mode: Mode = Mode.TIR
    k: int = 1
    pick: Pick = Pick.MAJ
    reward_model: str = ""
    stop_at: int = 3  # equal answers that end a Maj@k early; 0: always the full k
    seed: int = 0
    temperature: float | None = None  # None: 0 for one sample, 0.7 for several
    top_p: float | None = None  # None: 1 for one sample, 0.8 for several
    top_k: int = 0
    min_p: float = 0.0
    max_tokens: int = 2048
    max_programs: int = 4

    # programs
    exec_timeout: float = 10.0  # seconds for one program
    exec_memory: int = 1536  # MiB of address space
    allow_basic_executor: bool = False

    # the terminal
    render: Render = Render.AUTO
    history: bool = True


@dataclass(frozen=True, slots=True)
class Origin:
    """One value and where it came from: `default`, the config file's path, an environment variable, or `flag`."""

    value: object
    source: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and the origin of each."""

    settings: Settings
    origins: Mapping[str, Origin] = field(default_factory=dict)


def resolve(config: Path | None, environ: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Resolved:
    """Merge defaults, the config file (where there is one), the environment and flags that are not None.

    Raises `UsageError` for an unknown name, a value of the wrong kind, or a file that is not TOML.
    """
    origins = {f.name: Origin(f.default, "default") for f in fields(Settings) if f.default is not MISSING}
    for name, value in _read(config).items():
        origins[name] = Origin(_convert(name, value, str(config)), str(config))
    for name in list(origins):
        variable = f"QMATH_{name.upper()}"
        if environ.get(variable):
            origins[name] = Origin(_convert(name, environ[variable], variable), variable)
    for name, value in (flags or {}).items():
        if value is not None:
            origins[name] = Origin(_convert(name, value, f"--{name}"), "flag")
    return Resolved(_build({name: origin.value for name, origin in origins.items()}), origins)


def _build(values: Mapping[str, Any]) -> Settings:
    return Settings(**values)


def _read(config: Path | None) -> dict[str, object]:
    if config is None:
        return {}
    try:
        if not config.is_file():
            return {}
        found = tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise UsageError(f"cannot read {config}: {exc}", "it has lines like: k = 8") from exc
    known = {f.name for f in fields(Settings)}
    for name in found:
        if name not in known:
            raise UsageError(f"{config}: unknown setting {name!r}", f"known: {', '.join(sorted(known))}")
    return found


def _convert(name: str, value: object, source: str) -> object:
    """Bring a raw value to the field's type; strings come from the environment, the rest from TOML or a flag."""
    wanted = get_type_hints(Settings)[name]
    kinds = [kind for kind in get_args(wanted) if kind is not type(None)] or [wanted]
    kind = kinds[0]
    try:
        return _as(kind, value)
    except (ValueError, TypeError) as exc:
        choices = f": one of {', '.join(kind)}" if issubclass(kind, StrEnum) else f": a {kind.__name__}"
        raise UsageError(f"{source}: {value!r} is not a value for {name}{choices}") from exc


def _as(kind: Any, value: object) -> object:  # noqa: ANN401  a field's type is only known at run time
    if kind is bool:
        return _flag(value)
    if kind is int and isinstance(value, str) and value.lower() == "off":
        return 0
    if isinstance(value, bool) or (isinstance(value, float) and kind is int):
        raise TypeError(value)
    if kind is str:
        return str(value)
    return kind(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if str(value).lower() not in words:
        raise ValueError(value)
    return words[str(value).lower()]
