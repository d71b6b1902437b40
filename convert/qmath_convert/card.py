"""The files that only describe a checkpoint: README.md (the model card), generation_config.json, `_name_or_path`.

They never stop a conversion: what cannot be read, or is of a type that GGUF has no place for, is left out, and
`Description.left_out` says what. gguf-py takes its keys from these files (`gguf.Metadata`) and assumes that every value
has the right type. Here the values are checked first; where all are sound, the files are passed on as they are, so that
the metadata is what llama.cpp's converter writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qmath_convert.json_file import json_object
from qmath_convert.source import Source

_CARD, _GENERATION = "README.md", "generation_config.json"
_LARGEST_INT, _LARGEST_FLOAT = (1 << 31) - 1, 3.4e38

# The keys of a model card that gguf-py reads (Metadata.apply_metadata_heuristic, gguf 0.19), by what they must hold.
_OWN = (
    "name", "author", "version", "organization", "description", "finetune", "basename", "size_label", "url", "doi",
    "uuid", "repo_url",
)  # fmt: skip
_TEXTS = frozenset({*_OWN, *(f"model_{key}" for key in _OWN), "model_creator", "model_type"}) | {
    "license", "license_name", "license_link",
}  # fmt: skip
_LISTS = frozenset({"tags", "pipeline_tag", "languages", "language", "license"})
_REFERENCES = frozenset({"base_model", "base_models", "base_model_sources", "datasets", "dataset", "dataset_sources"})
_READ = _TEXTS | _LISTS | _REFERENCES

# The keys of generation_config.json that gguf-py reads, and transformers' name for one of them.
_INTEGERS = frozenset({"top_k", "penalty_last_n", "mirostat"})
_NUMBERS = frozenset({
    "top_p", "min_p", "xtc_probability", "xtc_threshold", "temperature", "penalty_repeat", "repetition_penalty",
    "mirostat_tau", "mirostat_eta",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Description:
    """The descriptive files as far as they can be read.

    Attributes:
        card: README.md, as gguf-py may read it.
        generation: The values of generation_config.json.
        name_or_path: That key of config.json; None if it is absent.
        left_out: One sentence for each thing that was left out.
    """

    card: bytes | None
    generation: Mapping[str, object]
    name_or_path: str | None
    left_out: tuple[str, ...]


def read_description(source: Source) -> Description:
    """Read what describes the checkpoint, whose config.json is sound. Raises what the source raises."""
    left_out: list[str] = []
    files = source.files()
    card = _card(source.read(_CARD), left_out.append) if _CARD in files else None
    generation = _generation(source.read(_GENERATION), left_out.append) if _GENERATION in files else {}
    named = json_object(source.read("config.json"), "config.json").get("_name_or_path")
    if named is not None and not _is_text(named):
        left_out.append(f"config.json: _name_or_path is {_shown(named)}, which is left out")
        named = None
    return Description(card, generation, named if isinstance(named, str) else None, tuple(left_out))


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8: JSON and YAML can hold halves of characters."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_text(value: object) -> bool:
    return isinstance(value, str) and is_unicode(value)


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


# ---------------------------------------------------------------- the model card


def _card(data: bytes, left_out: Callable[[str], None]) -> bytes | None:
    """The card: unchanged if gguf-py can read it, with what it can read, or None."""
    import yaml

    try:
        lines = data.decode("utf-8").splitlines()
        if lines[:1] != ["---"]:
            return data  # there is nothing that is read
        end = lines.index("---", 1) if "---" in lines[1:] else len(lines)
        text = "\n".join([*lines[1:end], ""]).replace("\t", "  ")  # as gguf-py does
        found = yaml.safe_load(text.replace("- no\n", '- "no"\n'))
    except UnicodeDecodeError:
        left_out(f"{_CARD} is not UTF-8, and is left out")
        return None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError, AttributeError) as exc:
        why = str(getattr(exc, "problem", None) or exc).splitlines() or [type(exc).__name__]
        left_out(f"the head of {_CARD} is not valid YAML, and is left out: {_shown(why[0])}")
        return None
    if not isinstance(found, dict):
        return data if not found else None
    read = {key: value for key, value in found.items() if isinstance(key, str) and key in _READ}
    kept = {key: clean for key, value in read.items() if (clean := _kept(key, value)) is not _NOTHING}
    changed = [key for key in read if key not in kept or kept[key] != read[key]]
    if not changed:
        return data
    left_out(f"{_CARD}: what is not text is left out: {_shown(', '.join(changed))}")
    return f"---\n{yaml.safe_dump(kept, allow_unicode=True)}---\n".encode()


_NOTHING = object()


def _kept(key: str, value: object) -> object:
    """A value of the card as far as it can be read; `_NOTHING` if it cannot. What is empty is no error."""
    if not value or _is_text(value):
        return value
    if isinstance(value, list) and key in _LISTS:
        return [item for item in value if _is_text(item)] or _NOTHING
    if isinstance(value, list) and key in _REFERENCES:
        return [item for item in map(_reference, value) if item is not _NOTHING] or _NOTHING
    return _NOTHING


def _reference(item: object) -> object:
    """One base model or data set: its name, or a mapping of texts."""
    if isinstance(item, dict):
        return {key: text for key, text in item.items() if isinstance(key, str) and (not text or _is_text(text))}
    return item if _is_text(item) else _NOTHING


# ---------------------------------------------------------------- generation_config.json


def _generation(data: bytes, left_out: Callable[[str], None]) -> dict[str, object]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        left_out(f"{_GENERATION} is not valid JSON, and is left out")
        return {}
    if not isinstance(found, dict):
        left_out(f"{_GENERATION} does not hold a JSON object, and is left out")
        return {}
    kept = {key: _setting(key, value) for key, value in found.items()}
    if lost := [key for key, value in kept.items() if value is _NOTHING]:
        shown = ", ".join(f"{key} {_shown(found[key])}" for key in lost)
        left_out(f"{_GENERATION}: what is out of range is left out: {shown}")
    return {key: value for key, value in kept.items() if value is not _NOTHING}


def _setting(key: str, value: object) -> object:
    """A value that GGUF can hold; `_NOTHING` if it cannot. Keys that are not written pass."""
    if value is None or key not in {"sequence", *_INTEGERS, *_NUMBERS}:
        return value
    if key == "sequence":
        return value if not value or _is_text(value) else _NOTHING
    if not isinstance(value, int | float):
        return _NOTHING
    if key in _NUMBERS:
        return _NOTHING if _LARGEST_FLOAT < abs(value) < float("inf") else value
    if isinstance(value, float):
        value = int(value) if value.is_integer() else 1 << 62  # 50.0 is 50; 0.5 is out of range
    return value if abs(value) <= _LARGEST_INT else _NOTHING
