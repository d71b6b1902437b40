"""`tokenizer.json` and `tokenizer_config.json` as what GGUF stores.

llama.cpp has its own byte-level BPE with a list of known pre-tokenizers. Its converter recognises one by the hash of an
encoded text, which depends on the vocabulary too. Only the splitting pattern matters, so it alone is compared here:
Qwen2's pattern is llama.cpp's `qwen2`, and any other one raises `UnsupportedModel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from qmath_convert.config import Config, json_object
from qmath_convert.errors import DamagedCheckpoint, UnsupportedModel
from qmath_convert.source import Source

# The pattern of `LLAMA_VOCAB_PRE_TYPE_QWEN2` (src/llama-vocab.cpp), as Qwen2's tokenizer.json writes it.
_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_KINDS = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")


class TokenType(IntEnum):
    """The values of `enum llama_token_type` that a BPE vocabulary uses."""

    NORMAL = 1
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A vocabulary as GGUF stores it: one token and type per row of the embedding, merges as `left right`."""

    pre: str
    tokens: tuple[str, ...]
    types: tuple[TokenType, ...]
    merges: tuple[str, ...]
    special_ids: Mapping[str, int] = field(default_factory=dict)
    add_eos: bool | None = None
    chat_template: str | None = None


def read_tokenizer(source: Source, config: Config) -> Tokenizer:
    """Read the tokenizer.

    Raises:
        DamagedCheckpoint: a file is missing or damaged, or does not belong to this checkpoint.
        UnsupportedModel: the tokenizer is not Qwen2's.
    """
    files = source.files()
    if "tokenizer.json" not in files:
        raise DamagedCheckpoint("there is no tokenizer.json", "Give a complete checkpoint, with its tokenizer.")
    tokenizer = json_object(source.read("tokenizer.json"), "tokenizer.json")
    settings = {}
    if "tokenizer_config.json" in files:
        settings = json_object(source.read("tokenizer_config.json"), "tokenizer_config.json")
    added = _added(tokenizer)
    model = tokenizer.get("model")
    if not isinstance(model, dict) or model.get("type") != "BPE":
        raise UnsupportedModel("tokenizer.json does not hold a BPE model", "Only Qwen2's tokenizer is supported.")
    tokens, types = _vocabulary(model, added, config.vocab)
    byte_level = "ByteLevel" in str(tokenizer.get("post_processor"))
    return Tokenizer(
        pre=_pre_tokenizer(tokenizer),
        tokens=tokens,
        types=types,
        merges=_merges(model),
        special_ids=_special_ids(settings, added, config),
        add_eos=False if byte_level else None,
        chat_template=_template(source, files, settings),
    )


def _added(tokenizer: Mapping[str, object]) -> dict[str, tuple[int, bool]]:
    """The added tokens: content -> (id, special)."""
    found = tokenizer.get("added_tokens") or []
    try:
        return {str(entry["content"]): (int(entry["id"]), bool(entry.get("special"))) for entry in found}  # type: ignore[attr-defined]
    except (TypeError, KeyError, ValueError, AttributeError) as exc:
        raise DamagedCheckpoint("tokenizer.json: added_tokens is not valid", "Download it again.") from exc


def _vocabulary(
    model: Mapping[str, object], added: Mapping[str, tuple[int, bool]], rows: int
) -> tuple[tuple[str, ...], tuple[TokenType, ...]]:
    """One token per embedding row; rows without a token are padding, as in the released checkpoints."""
    tokens = [f"[PAD{i}]" for i in range(rows)]
    types = [TokenType.UNUSED] * rows
    vocabulary = model.get("vocab")
    if not isinstance(vocabulary, dict):
        raise DamagedCheckpoint("tokenizer.json has no vocabulary", "Download it again.")
    entries = [(token, i, TokenType.NORMAL) for token, i in vocabulary.items()]
    entries += [(token, i, _added_type(token, special=special)) for token, (i, special) in added.items()]
    for token, i, kind in entries:
        if not isinstance(i, int) or not 0 <= i < rows:
            raise DamagedCheckpoint(
                f"tokenizer.json gives {token!r} the id {i}, but the embedding has {rows} rows",
                "The tokenizer does not belong to these weights.",
            )
        tokens[i], types[i] = token, kind
    return tuple(tokens), tuple(types)


def _added_type(token: str, *, special: bool) -> TokenType:
    """Treat `<|...|>` as a control token even where the tokenizer does not mark it as special."""
    looks_special = token.startswith("<|") and token.endswith("|>")
    return TokenType.CONTROL if special or looks_special else TokenType.USER_DEFINED


def _merges(model: Mapping[str, object]) -> tuple[str, ...]:
    """Merges as `left right`; newer files store pairs. A space inside a part is written as the byte-level `Ġ`."""
    merges = model.get("merges")
    if not isinstance(merges, list):
        raise DamagedCheckpoint("tokenizer.json has no merges", "Download it again.")
    return tuple(m if isinstance(m, str) else " ".join(str(part).replace(" ", "Ġ") for part in m) for m in merges)


def _pre_tokenizer(tokenizer: Mapping[str, object]) -> str:
    normalizer = tokenizer.get("normalizer")
    plain = normalizer is None or (isinstance(normalizer, dict) and normalizer.get("type") == "NFC")
    match tokenizer.get("pre_tokenizer"):
        case {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"},
                {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
            ],
        } if pattern == _QWEN2 and plain:
            return "qwen2"
    raise UnsupportedModel("tokenizer.json does not split text as Qwen2 does", "Only Qwen2's tokenizer is supported.")


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


def _template(source: Source, files: frozenset[str], settings: Mapping[str, object]) -> str | None:
    """The chat template; of several named ones, the default. Other programs use it; qmath builds prompts itself."""
    found = settings.get("chat_template")
    if found is None and "chat_template.jinja" in files:
        return source.read("chat_template.jinja").decode("utf-8")
    if isinstance(found, list):
        found = next((t.get("template") for t in found if isinstance(t, dict) and t.get("name") == "default"), None)
    return found if isinstance(found, str) else None
