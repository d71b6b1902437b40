"""A model on a server, described from its id there: what it is, and how it is asked, follow from its name.

The id is a repository, an alias, or the path of a file; models.lock's entry with that name says what it is, else the
words in it do, as for a file by others (see `describe`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from qmath_cli.errors import ModelMissing, UsageError
from qmath_cli.models.describe import family_named, kind_named
from qmath_cli.models.lockfile import Lock, LockedModel
from qmath_cli.models.names import ModelName
from qmath_cli.records import ModelFamily, ModelInfo, ServerInfo

_LISTED = 5  # ids in a message


def served(servers: Sequence[ServerInfo], lock: Lock, warnings: Sequence[str] = ()) -> ModelInfo:
    """What is known of the model that servers compute.

    Args:
        servers: At least one.
        lock: models.lock.
        warnings: What else a user has to know.

    Raises:
        UsageError: They have different models.
    """
    first = servers[0]
    for other in servers[1:]:
        if not same(first.model, other.model, lock):
            raise UsageError(
                f"{first.address} has {first.model}, {other.address} has {other.model}",
                "-m NAME says which model is meant; servers that share work need the same one",
            )
    entry = released(first.model, lock)
    name = _plain(first.model)
    family = entry.family if entry is not None else family_named(name)
    return ModelInfo(
        name=first.model,
        path=Path(),
        base_name=entry.name if entry is not None else "",
        kind=entry.kind if entry is not None else kind_named(name),
        family=family,
        embedded=entry is not None and entry.embedded,
        context=min((one.context for one in servers if one.context), default=0),
        warnings=(*warnings, *_warnings(first.model, family)),
        servers=tuple(servers),
    )


def choose(ids: Sequence[str], wanted: str, lock: Lock, address: str) -> str:
    """The id of the model that a user means, among those that a server has.

    Args:
        ids: The server's models.
        wanted: An id, its last part, a name in models.lock, or empty where the server has one model.
        lock: models.lock.
        address: Of the server, for messages.

    Raises:
        ModelMissing: It has no such model, or several that it could be.
    """
    if wanted:
        found = [one for one in ids if one == wanted] or [one for one in ids if _means(wanted, one, lock)]
    else:
        found = list(ids)
    if len(found) == 1:
        return found[0]
    has = ", ".join(ids[:_LISTED]) + (" ..." if len(ids) > _LISTED else "")
    if not ids:
        raise ModelMissing(f"{address} has no model loaded", "load one there first")
    if not found:
        raise ModelMissing(f"{address} does not have {wanted}", f"-m NAME; it has {has}")
    raise ModelMissing(f"{address} has several models", f"-m NAME chooses one: {has}")


def same(one: str, other: str, lock: Lock) -> bool:
    """Whether two ids name the same model, as far as names tell."""
    first, second = released(one, lock), released(other, lock)
    if first is not None and second is not None:
        return first.name == second.name
    return _plain(one) == _plain(other)


def released(name: str, lock: Lock) -> LockedModel | None:
    """The lock's entry for an id; None if it is no released model."""
    plain = _plain(name)
    scores = kind_named(plain).scores  # Qwen2.5-Math-7B-PRM800K is no Qwen2.5-Math-7B
    found = [
        model
        for model in lock.models
        if plain == model.name
        or (model.kind.scores == scores and re.match(rf"{re.escape(_plain(model.stem))}(?![a-z0-9])", plain))
    ]
    return max(found, key=lambda model: len(model.stem), default=None)


def _means(wanted: str, name: str, lock: Lock) -> bool:
    if _plain(wanted) == _plain(name):
        return True
    entry = released(name, lock)
    return entry is not None and entry.name in {wanted.lower(), ModelName.parse(wanted).base}


def _plain(name: str) -> str:
    """The last part of an id in lower case, without `.gguf`, with hyphens for blanks, underscores and colons."""
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1].lower().removesuffix(".gguf")
    return re.sub(r"[ _:]", "-", last)


def _warnings(name: str, family: ModelFamily) -> tuple[str, ...]:
    if family is not ModelFamily.OTHER:
        return ()
    return (f"{name[:80]} is not a Qwen2.5-Math model: it was not trained on the prompts that it gets",)
