"""`tokenizer.json` (or `vocab.json` and `merges.txt`) and `tokenizer_config.json` as what GGUF stores.

llama.cpp has its own byte-level BPE with a list of known pre-tokenizers. Its converter recognises one by the hash of an
encoded text, which depends on the vocabulary too. Only the splitting pattern matters, so it alone is compared here:
Qwen2's pattern is llama.cpp's `qwen2`, and any other one raises `UnsupportedModel`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from qmath_convert.card import is_unicode
from qmath_convert.config import Config
from qmath_convert.errors import AGAIN, DamagedCheckpoint, UnsupportedModel
from qmath_convert.json_file import json_object
from qmath_convert.slow_tokenizer import read_slow
from qmath_convert.source import Source

# The pattern of `LLAMA_VOCAB_PRE_TYPE_QWEN2` (src/llama-vocab.cpp), as Qwen2's tokenizer.json writes it.
_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_MARKS = ("<extra_0>",)  # at which a process reward model is read (model card of Qwen2.5-Math-PRM)
_ONLY = "Only Qwen2's tokenizer is supported."
_KINDS = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")


class TokenType(IntEnum):
    """The values of `enum llama_token_type` that a BPE vocabulary uses."""

    NORMAL = 1
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A vocabulary as GGUF stores it: one token and type per row of the embedding, merges as `left right`.

    `left_out` has a sentence for each descriptive part that cannot be read.
    """

    pre: str
    tokens: tuple[str, ...]
    types: tuple[TokenType, ...]
    merges: tuple[str, ...]
    special_ids: Mapping[str, int] = field(default_factory=dict)
    add_eos: bool | None = None
    chat_template: str | None = None
    left_out: tuple[str, ...] = ()


def read_tokenizer(source: Source, config: Config) -> Tokenizer:
    """Read the tokenizer.

    Raises:
        DamagedCheckpoint: a file is missing or damaged, or does not belong to this checkpoint.
        UnsupportedModel: the tokenizer is not Qwen2's.
    """
    files = source.files()
    settings = {}
    if "tokenizer_config.json" in files:
        settings = json_object(source.read("tokenizer_config.json"), "tokenizer_config.json")
    if "tokenizer.json" in files:
        tokenizer = json_object(source.read("tokenizer.json"), "tokenizer.json")
    else:
        tokenizer = read_slow(source, settings, _QWEN2)
    added = _added(tokenizer)
    model = tokenizer.get("model")
    if not isinstance(model, dict) or model.get("type", "BPE") != "BPE":
        raise UnsupportedModel("tokenizer.json does not hold a BPE model", _ONLY)
    tokens, types = _vocabulary(model, added, config.vocab)
    byte_level = "ByteLevel" in str(tokenizer.get("post_processor"))
    template, left_out = _template(source, files, settings)
    return Tokenizer(
        pre=_pre_tokenizer(tokenizer),
        tokens=tokens,
        types=types,
        merges=_merges(model),
        special_ids=_special_ids(settings, added, config),
        add_eos=False if byte_level else None,
        chat_template=template,
        left_out=left_out,
    )


def _added(tokenizer: Mapping[str, object]) -> dict[str, tuple[int, bool]]:
    """The added tokens: content -> (id, special)."""
    found = tokenizer.get("added_tokens") or []
    try:
        return {str(entry["content"]): (int(entry["id"]), bool(entry.get("special"))) for entry in found}  # type: ignore[attr-defined]
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as exc:
        raise DamagedCheckpoint("the tokenizer's added tokens are not valid", AGAIN) from exc


def _vocabulary(
    model: Mapping[str, object], added: Mapping[str, tuple[int, bool]], rows: int
) -> tuple[tuple[str, ...], tuple[TokenType, ...]]:
    """One token per embedding row; rows without a token are padding, as in the released checkpoints."""
    tokens = [f"[PAD{i}]" for i in range(rows)]
    types = [TokenType.UNUSED] * rows
    vocabulary = model.get("vocab")
    if not isinstance(vocabulary, dict):
        raise DamagedCheckpoint("tokenizer.json has no vocabulary", AGAIN)
    entries = [(token, i, TokenType.NORMAL) for token, i in vocabulary.items()]
    entries += [(token, i, _added_type(token, special=special)) for token, (i, special) in added.items()]
    for token, i, kind in entries:
        if not isinstance(i, int) or not 0 <= i < rows:
            raise DamagedCheckpoint(
                f"the tokenizer gives {token!r} the id {i}, but the embedding has {rows} rows",
                "The tokenizer does not belong to these weights.",
            )
        if not is_unicode(token):
            raise DamagedCheckpoint(f"the tokenizer: the token {i}, {token!a}, is not valid Unicode", AGAIN)
        tokens[i], types[i] = token, kind
    return tuple(tokens), tuple(types)


def _added_type(token: str, *, special: bool) -> TokenType:
    """Treat `<|...|>`, and the mark of process reward models, as control tokens even where they are not special."""
    looks_special = token.startswith("<|") and token.endswith("|>")
    return TokenType.CONTROL if special or looks_special or token in _MARKS else TokenType.USER_DEFINED


def _merges(model: Mapping[str, object]) -> tuple[str, ...]:
    """Merges as `left right`; newer files store pairs. A space inside a part is written as the byte-level `Ġ`."""
    merges = model.get("merges")
    if not isinstance(merges, list):
        raise DamagedCheckpoint("tokenizer.json has no merges", AGAIN)
    return tuple(_merge(merge) for merge in merges)


def _merge(merge: object) -> str:
    if isinstance(merge, list) and len(merge) == 2 and all(isinstance(part, str) for part in merge):
        merge = " ".join(part.replace(" ", "Ġ") for part in merge)
    if not isinstance(merge, str) or not is_unicode(merge):
        raise DamagedCheckpoint(f"tokenizer.json has the merge {merge!a}, which is not two parts", AGAIN)
    return merge


def _pre_tokenizer(tokenizer: Mapping[str, object]) -> str:
    """The name of the pre-tokenizer. A sequence may be nested, and a normal form may stand in one."""
    if [step.get("type") for step in _steps(tokenizer.get("normalizer"), "normalizers")] not in ([], ["NFC"]):
        raise UnsupportedModel("tokenizer.json normalizes text in another way than Qwen2's", _ONLY)
    match list(_steps(tokenizer.get("pre_tokenizer"), "pretokenizers")):
        case [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"} as split,
            {"type": "ByteLevel"} as byte_level,
        ] if pattern == _QWEN2 and not split.get("invert"):
            # left out, both keys mean yes (tokenizers, pre_tokenizers/byte_level.rs)
            if wrong := [key for key in ("add_prefix_space", "use_regex") if byte_level.get(key, True) is not False]:
                raise UnsupportedModel(
                    f"tokenizer.json: {wrong[0]} of the pre-tokenizer ByteLevel is not false, as it is in Qwen2's",
                    f"Text would be split in another way. {_ONLY}",
                )
            return "qwen2"
    raise UnsupportedModel("tokenizer.json does not split text as Qwen2 does", _ONLY)


def _steps(found: object, inner: str) -> Iterator[dict[str, object]]:
    """The steps of a normalizer or pre-tokenizer, in order, without the sequences that hold them."""
    if not isinstance(found, dict):
        return
    nested = found.get(inner)
    if found.get("type") != "Sequence":
        yield found
    elif isinstance(nested, list):
        for step in nested:
            yield from _steps(step, inner)


def _special_ids(
    settings: Mapping[str, object], added: Mapping[str, tuple[int, bool]], config: Config
) -> dict[str, int]:
    """Ids by kind, from tokenizer_config.json where it names the token, else from config.json."""
    found: dict[str, int] = {}
    for kind in _KINDS:
        entry = settings.get(f"{kind}_token")
        content = entry.get("content") if isinstance(entry, dict) else entry
        if isinstance(content, str) and content in added:
            found[kind] = added[content][0]
        elif kind in config.token_ids:
            found[kind] = config.token_ids[kind]
    return found


def _template(
    source: Source, files: frozenset[str], settings: Mapping[str, object]
) -> tuple[str | None, tuple[str, ...]]:
    """The chat template, or a sentence if it cannot be read. Other programs use it; qmath builds prompts itself.

    Of several named ones, the default is taken.
    """
    found = settings.get("chat_template")
    where = "tokenizer_config.json: chat_template"
    if found is None and "chat_template.jinja" in files:
        where = "chat_template.jinja"
        found = source.read(where).decode("utf-8", "surrogateescape")
    if isinstance(found, list):
        found = next((t.get("template") for t in found if isinstance(t, dict) and t.get("name") == "default"), None)
    if not isinstance(found, str):
        return None, ()
    return (found, ()) if is_unicode(found) else (None, (f"{where} is not valid UTF-8, and is left out",))
