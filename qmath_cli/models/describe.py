"""One description of a model: everything that is known of it before it is loaded.

`describe` finds the file that a user means, reads models.lock's entry and the GGUF header once each, and says what the
model is: kind, family, quantization, context, whether its vocabulary has the control tokens of ChatML, and what is to
be said of it before it is used. All commands and the Python API start here; none of them looks at names or headers by
itself.

What a file is, in this order: the lock's entry, where the model was named; the key `qmath.kind`, which our converter
writes; the lock's entry that the metadata names; a reward head beside the file; the names in the header and of the
file, and the end-of-text token, as the released checkpoints have them. A file without any of these is taken for an
Instruct model.
"""

from __future__ import annotations

import re
from pathlib import Path

from qmath_cli import gguf_file
from qmath_cli.errors import ModelMissing
from qmath_cli.gguf_file import Header, runnable
from qmath_cli.models import folder, store
from qmath_cli.models.hashes import Memo
from qmath_cli.models.lockfile import Lock, LockedModel
from qmath_cli.models.names import ModelName
from qmath_cli.models.store import Installed
from qmath_cli.models.suggestions import plain_name
from qmath_cli.paths import Paths
from qmath_cli.records import ModelFamily, ModelInfo, ModelKind

_NAMES = ("general.name", "general.basename", "general.finetune", "general.source.url", "general.source.repo_url")
_PROCESS = re.compile(r"(?<![a-z])(prm|process-reward)(?![a-z])")
_REWARD = re.compile(r"(?<![a-z])(rm|reward)(?![a-z])")
_INSTRUCT = re.compile(r"(?<![a-z])(instruct|chat|it|demo)(?![a-z])")
_IM_END = 151645  # the id of `<|im_end|>` in the vocabulary of Qwen2 and Qwen2.5 (tokenizer.json of the releases)
_CHATML = ("<|im_start|>", "<|im_end|>")
#: Values of `tokenizer.ggml.pre` that mean Qwen2's pre-tokenizer (llama-vocab.cpp of llama.cpp).
_QWEN2_PRE = {"qwen2", "deepseek-r1-qwen"}


def describe(name: str, paths: Paths, lock: Lock) -> ModelInfo:
    """What is known of the model that a user means.

    Args:
        name: a name with or without a quantization, the path of a `.gguf`, or empty for the best model installed.
        paths: where models are kept.
        lock: models.lock, read once per run.

    Raises:
        ModelMissing: it is not on this machine; the hint is the command that gets it.
        IntegrityError: the file is damaged, or is not the one that was recorded.
        UsageError: it is no model that qmath runs, or a later part of a split one.
    """
    path = _path(name)
    if path is not None:
        return _of_file(path, paths, lock)
    try:
        entry = store.best(paths, lock) if not name else store.choose(ModelName.parse(name), paths, lock)
    except ModelMissing as exc:
        found = _folder(name)
        if found is not None:
            raise folder.explain(found) from exc
        raise
    return _of_installed(entry, paths)


def _path(name: str) -> Path | None:
    """The path that a name is, if it is one: it ends in .gguf, or there is such a file."""
    try:
        path = Path(name).expanduser()
        named = name.lower().endswith(".gguf") or (bool(name) and (path.is_file() or path.is_symlink()))
    except (OSError, RuntimeError, ValueError):  # too long for a file's name; the home of a user that does not exist
        return None
    return path if named else None


def _folder(name: str) -> Path | None:
    """The folder that a name is, if it is one."""
    try:
        path = Path(name).expanduser()
        return path if name and path.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # as for `_path`
        return None


def _of_installed(entry: Installed, paths: Paths) -> ModelInfo:
    sha256 = store.checked_hash(entry, paths)
    header = gguf_file.read(entry.path)
    runnable.require(entry.path, header)
    chatml = _has_chatml(entry.path, header)
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
        chatml=chatml,
        warnings=_warnings(header, entry.model.kind, entry.model.family, chatml=chatml, released=entry.model),
    )


def _of_file(path: Path, paths: Paths, lock: Lock) -> ModelInfo:
    """A GGUF named by its path: nothing is recorded of it, so the header says what it is."""
    header = gguf_file.read(path)
    runnable.require(path, header)
    released = _released(header, lock)
    kind = released.kind if released is not None else _kind(path, header)
    family = released.family if released is not None else _family(path, header)
    chatml = _has_chatml(path, header)
    return ModelInfo(
        name=str(path),
        path=path.absolute(),
        quantization=header.quantization,
        sha256="" if header.parts else Memo.within(paths.state).get(path) or "",
        base_name=released.name if released is not None else "",
        kind=kind,
        family=family,
        size=sum(part.stat().st_size for part in header.parts or (path,)),
        context=header.number("context_length"),
        chatml=chatml,
        warnings=_warnings(header, kind, family, chatml=chatml, released=released),
    )


def _released(header: Header, lock: Lock) -> LockedModel | None:
    """The released model that the metadata of a file by others names; a file of our converter says what it is itself.

    `general.name` is the name of the checkpoint, to which some add the quantization; or it is made of base name, size
    and fine-tune (gguf-py's `metadata.py`).
    """
    if header.text("qmath.kind"):
        return None
    name = plain_name(header.text("general.name"))
    parts = [header.text(f"general.{key}") for key in ("basename", "size_label", "finetune")]
    composed = _normal("-".join(part for part in parts if part))
    for wanted in (name, composed):
        for model in lock.models:
            if wanted and model.repo and wanted == model.stem:
                return model
    return None


def _kind(path: Path, header: Header) -> ModelKind:
    written = header.text("qmath.kind")
    if written in list(ModelKind):
        return ModelKind(written)
    names = _names(path, header)
    if store.head_path(path).is_file() and not _PROCESS.search(names):
        return ModelKind.REWARD
    return kind_named(names, chats=header.metadata.get("tokenizer.ggml.eos_token_id") == _IM_END)


def _family(path: Path, header: Header) -> ModelFamily:
    found = family_named(_names(path, header))
    return ModelFamily.QWEN2_5 if found is ModelFamily.OTHER and header.text("qmath.kind") else found


def kind_named(names: str, *, chats: bool = False) -> ModelKind:
    """What a model is by its names, in lower case with hyphens; `chats`: whether its texts end with a turn."""
    if _PROCESS.search(names):
        return ModelKind.PROCESS_REWARD
    if _REWARD.search(names):
        return ModelKind.REWARD
    chats = chats or _INSTRUCT.search(names) is not None
    return ModelKind.INSTRUCT if chats or not _is_math(names) else ModelKind.BASE


def family_named(names: str) -> ModelFamily:
    """The family of a model by its names, in lower case with hyphens."""
    if "qwen2-math" in names:
        return ModelFamily.QWEN2
    return ModelFamily.QWEN2_5 if _is_math(names) else ModelFamily.OTHER


def _is_math(names: str) -> bool:
    return "qwen2" in names and "math" in names


def _names(path: Path, header: Header) -> str:
    """What the header and the file's name call the model, in lower case with hyphens for blanks and underscores."""
    return _normal(" ".join([*(header.text(key) for key in _NAMES), path.stem]))


def _normal(name: str) -> str:
    return re.sub(r"[ _]", "-", name.strip().lower())


def _has_chatml(path: Path, header: Header) -> bool:
    return len(gguf_file.find_tokens(path, header, _CHATML)) == len(_CHATML)


def _warnings(
    header: Header, kind: ModelKind, family: ModelFamily, *, chatml: bool, released: LockedModel | None
) -> tuple[str, ...]:
    """What a user of this model has to know, one sentence each."""
    found = [released.restriction] if released is not None and released.restriction else []
    if family is ModelFamily.OTHER:
        called = f" ({header.text('general.name')[:80]})" if header.text("general.name") else ""
        found.append(f"this is not a Qwen2.5-Math model{called}: it was not trained on the prompts that it gets")
    if not chatml and kind is not ModelKind.BASE:
        found.append(
            f"its vocabulary has no {' and '.join(_CHATML)}: the prompts that it gets are plain text to it, and "
            "answers will be poor"
        )
    pre = header.text("tokenizer.ggml.pre")
    if pre not in _QWEN2_PRE:
        says = (
            f"names the pre-tokenizer {pre[:40]!r}" if pre else "does not name its pre-tokenizer (tokenizer.ggml.pre)"
        )
        found.append(f"the file {says}, so that text becomes other tokens than the model was trained on")
    return tuple(found)
