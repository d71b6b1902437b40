"""`vocab.json` and `merges.txt`, the files of a tokenizer without `tokenizer.json`, as what that file would hold.

transformers reads them with `Qwen2Tokenizer` (models/qwen2/tokenization_qwen2.py), whose splitting, normal form and
byte-level encoding are fixed. Added tokens are those of `added_tokens_decoder` in tokenizer_config.json, or of
added_tokens.json, which older versions wrote.
"""

from __future__ import annotations

from collections.abc import Mapping

from qmath_convert.errors import AGAIN, DamagedCheckpoint, UnsupportedModel
from qmath_convert.json_file import json_object
from qmath_convert.source import Source

_VOCABULARY, _MERGES, _ADDED = "vocab.json", "merges.txt", "added_tokens.json"
_CLASSES = ("Qwen2Tokenizer", "Qwen2TokenizerFast")
_CONTROL = "<|endoftext|>"


def read_slow(source: Source, settings: Mapping[str, object], pattern: str) -> dict[str, object]:
    """What tokenizer.json would hold.

    Args:
        source: the checkpoint.
        settings: tokenizer_config.json; empty if there is none.
        pattern: the pattern that splits text, as Qwen2's tokenizer has it.

    Raises:
        DamagedCheckpoint: a file is missing or damaged.
        UnsupportedModel: the tokenizer is of another class.
    """
    files = source.files()
    if not {_VOCABULARY, _MERGES} <= files:
        raise DamagedCheckpoint("there is no tokenizer.json", "Give a complete checkpoint, with its tokenizer.")
    named = settings.get("tokenizer_class") or _CLASSES[0]
    if named not in _CLASSES:
        raise UnsupportedModel(f"the tokenizer is a {named}", "Only Qwen2's tokenizer is supported.")
    vocabulary = json_object(source.read(_VOCABULARY), _VOCABULARY)
    added = _decoder(settings) or _older(json_object(source.read(_ADDED), _ADDED) if _ADDED in files else {})
    if not added and _CONTROL not in vocabulary:
        raise DamagedCheckpoint(
            f"no file says which ids the control tokens ({_CONTROL} and others) have",
            f"Add tokenizer.json, or {_ADDED}, or a tokenizer_config.json with added_tokens_decoder.",
        )
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
    return {
        "added_tokens": added,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": byte_level,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": _merges(source.read(_MERGES))},
    }


def _decoder(settings: Mapping[str, object]) -> list[dict[str, object]]:
    found = settings.get("added_tokens_decoder") or {}
    if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
        raise DamagedCheckpoint("tokenizer_config.json: added_tokens_decoder is not valid", AGAIN)
    return [{**entry, "id": token_id} for token_id, entry in found.items()]


def _older(added: Mapping[str, object]) -> list[dict[str, object]]:
    return [{"content": content, "id": token_id} for content, token_id in added.items()]


def _merges(data: bytes) -> list[str]:
    """The lines of merges.txt; a first line with the version, and empty lines, are no merges."""
    try:
        lines = [line.strip() for line in data.decode("utf-8-sig").split("\n")]
    except UnicodeDecodeError as exc:
        raise DamagedCheckpoint(f"{_MERGES} is not UTF-8: {exc.reason}", AGAIN) from exc
    if lines[0].startswith("#version:"):
        del lines[0]
    merges = [line for line in lines if line]
    if wrong := [line for line in merges if len(line.split()) != 2]:
        raise DamagedCheckpoint(f"{_MERGES} has the line {wrong[0][:40]!r}, which is not two parts", AGAIN)
    return [" ".join(line.split()) for line in merges]
