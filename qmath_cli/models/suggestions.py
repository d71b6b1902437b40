"""Hints for names that no model has: mistyped ones, repositories of GGUF files, other models of the family."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

#: What others add to the name of a model that they quantized.
_ADDED = re.compile(
    r"[-.](gguf|ggml|i1|ud|imatrix|imat|awq|gptq|mlx|exl2|bnb|(int|fp)?\d+-?bits?|int\d|(i?q|tq)\d\w*(-\w+)*"
    r"|mxfp4\w*|nvfp4|bf16|fp?16|fp?32|fp8|safetensors)$"
)
_OWN_FILE = "a .gguf that was downloaded runs by its path: -m FILE.gguf"


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """A hint for a mistyped name: similar known names, or all known names."""
    names = list(known)
    close = difflib.get_close_matches(wrong, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names)}"


def plain_name(name: str) -> str:
    """A model's name without its owner and what a quantizer adds, in lower case with hyphens."""
    short = re.sub(r"[ _]", "-", name.strip().strip("/").lower()).rpartition("/")[2]
    while (shorter := _ADDED.sub("", short)) != short:
        short = shorter
    return short


def for_model(name: str, stems: Mapping[str, str]) -> str:
    """A hint for a name that no model has.

    Args:
        name: What a user gave, perhaps a repository.
        stems: The last part of each model's repository, in lower case, and the model's name.
    """
    short = plain_name(name)
    held = max((stem for stem in stems if short == stem or short.startswith(f"{stem}-")), key=len, default=None)
    if held is None and "math" in short:
        held = next(iter(difflib.get_close_matches(short, list(stems), n=1, cutoff=0.9)), None)
    if held is not None:
        what = "this model" if short == held else f"{held}, the model that the name begins with"
        return f"qmath pull {stems[held]} gets {what}; {_OWN_FILE}"
    if "/" in name or short.startswith(("qwen2.5", "qwen3", "qwen-")) or name.lower().endswith("gguf"):
        return f"qmath pulls Qwen2.5-Math and Qwen2-Math (`qmath list --all`); {_OWN_FILE}"
    return suggestion(short, stems.values())
