"""One description of a model: everything that is known of it before it is loaded.

`describe` finds the file that a user means, reads models.lock's entry and the GGUF header once each, and says what the
model is: kind, family, quantization, context, whether its vocabulary has the control tokens of ChatML. All commands and
the Python API start here; none of them looks at names or headers by itself.

What a file is, in this order: the lock's entry, where the model was named; the key `qmath.kind`, which our converter
writes; a reward head beside the file; the names in the header and of the file, and the end-of-text token, as the
released checkpoints have them. A file without any of these is taken for an Instruct model.
"""

from __future__ import annotations

import re
from pathlib import Path

from qmath_cli import gguf_file
from qmath_cli.errors import ModelMissing
from qmath_cli.gguf_file import Header
from qmath_cli.models import folder, store
from qmath_cli.models.hashes import Memo
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.names import ModelName
from qmath_cli.models.store import Installed
from qmath_cli.paths import Paths
from qmath_cli.records import ModelFamily, ModelInfo, ModelKind

_NAMES = ("general.name", "general.basename", "general.finetune", "general.source.url", "general.source.repo_url")
_REWARD = re.compile(r"(?<![a-z])(p?rm|reward)(?![a-z])")
_INSTRUCT = re.compile(r"(?<![a-z])(instruct|chat|it|demo)(?![a-z])")
_IM_END = 151645  # the id of `<|im_end|>` in the vocabulary of Qwen2 and Qwen2.5 (tokenizer.json of the releases)


def describe(name: str, paths: Paths, lock: Lock) -> ModelInfo:
    """What is known of the model that a user means.

    Args:
        name: a name with or without a quantization, the path of a `.gguf`, or empty for the best model installed.
        paths: where models are kept.
        lock: models.lock, read once per run.

    Raises:
        ModelMissing: it is not on this machine; the hint is the command that gets it.
        IntegrityError: the file is damaged, or is not the one that was recorded.
    """
    if name.lower().endswith(".gguf") or (name and Path(name).is_file()):
        return _of_file(Path(name).expanduser(), paths)
    try:
        entry = store.best(paths, lock) if not name else store.choose(ModelName.parse(name), paths, lock)
    except ModelMissing as exc:
        if name and Path(name).expanduser().is_dir():
            raise folder.explain(Path(name).expanduser()) from exc
        raise
    return _of_installed(entry, paths)


def _of_installed(entry: Installed, paths: Paths) -> ModelInfo:
    sha256 = store.checked_hash(entry, paths)
    header = gguf_file.read(entry.path)
    return ModelInfo(
        name=entry.name,
        path=entry.path,
        quantization=entry.quantization,
        sha256=sha256,
        base_name=entry.model.name,
        kind=entry.model.kind,
        family=entry.model.family,
        embedded=entry.model.embedded,
        size=entry.path.stat().st_size,
        context=header.number("context_length"),
        chatml=_has_chatml(entry.path, header),
    )


def _of_file(path: Path, paths: Paths) -> ModelInfo:
    """A GGUF named by its path: nothing is recorded of it, so the header says what it is."""
    if not path.is_file():
        raise ModelMissing(f"there is no file {path}", "give the path of a .gguf, or a name that `qmath list` shows")
    header = gguf_file.read(path)
    return ModelInfo(
        name=str(path),
        path=path.absolute(),
        quantization=header.quantization,
        sha256=Memo.within(paths.state).get(path) or "",
        kind=_kind(path, header),
        family=_family(path, header),
        size=path.stat().st_size,
        context=header.number("context_length"),
        chatml=_has_chatml(path, header),
    )


def _kind(path: Path, header: Header) -> ModelKind:
    written = header.text("qmath.kind")
    if written in list(ModelKind):
        return ModelKind(written)
    names = _names(path, header)
    if store.head_path(path).is_file() or _REWARD.search(names):
        return ModelKind.REWARD
    chats = _INSTRUCT.search(names) or header.metadata.get("tokenizer.ggml.eos_token_id") == _IM_END
    return ModelKind.INSTRUCT if chats or not _is_math(names) else ModelKind.BASE


def _family(path: Path, header: Header) -> ModelFamily:
    names = _names(path, header)
    if "qwen2-math" in names:
        return ModelFamily.QWEN2
    return ModelFamily.QWEN2_5 if _is_math(names) or header.text("qmath.kind") else ModelFamily.OTHER


def _is_math(names: str) -> bool:
    return "qwen2" in names and "math" in names


def _names(path: Path, header: Header) -> str:
    """What the header and the file's name call the model, in lower case with hyphens for blanks and underscores."""
    names = " ".join([*(header.text(key) for key in _NAMES), path.stem])
    return re.sub(r"[ _]", "-", names.lower())


def _has_chatml(path: Path, header: Header) -> bool:
    return gguf_file.has_tokens(path, header, ("<|im_start|>", "<|im_end|>"))
