"""Which installed model has the vocabulary of the servers: then prompts become token ids without asking them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from qmath_cli import gguf_file
from qmath_cli.engine.llama.model import VocabularyFile, load_vocabulary
from qmath_cli.engine.remote.http import Access, Broken, Connection, RequestRefused
from qmath_cli.engine.remote.vocabulary import agrees, tokenizes
from qmath_cli.errors import QmathError, ServerUnusable
from qmath_cli.gguf_file import Array
from qmath_cli.models import store
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.records import ModelInfo, ServerInfo

_TRIED = 4  # vocabularies of different sizes that are compared with the servers'


def installed_vocabulary(
    info: ModelInfo, accesses: Mapping[str, Access], paths: Paths, lock: Lock
) -> VocabularyFile | None:
    """The vocabulary of an installed model with which all servers agree; None if there is none, or they take text.

    Args:
        info: The model on its servers.
        accesses: By the servers' addresses.
        paths: Where models are kept.
        lock: models.lock.

    Raises:
        ServerUnusable: A server takes ids, and neither an installed model nor the server itself can make them.
    """
    if not all(one.token_ids for one in info.servers):
        return None
    for entry in _candidates(info, paths, lock):
        file = load_vocabulary(entry)
        try:
            if all(_agrees(file, one, accesses[one.address]) for one in info.servers):
                return file
        except BaseException:  # such as Ctrl-C; raised again
            file.close()
            raise
        file.close()
    _require_tokenizers(info, accesses)
    return None


def _agrees(file: VocabularyFile, info: ServerInfo, access: Access) -> bool:
    with suppress(Broken, RequestRefused), Connection(access) as connection:
        return agrees(file, info, connection)
    return False


def _require_tokenizers(model: ModelInfo, accesses: Mapping[str, Access]) -> None:
    """Raise `ServerUnusable` where a server that is sent ids has no tokenizer to ask for them."""
    for info in model.servers:
        with Connection(accesses[info.address]) as connection:
            if not tokenizes(info, connection):
                raise ServerUnusable(
                    f"{info.address} does not tokenize, and no installed model has its vocabulary",
                    "--server-kind generic sends it text",
                )


def _candidates(info: ModelInfo, paths: Paths, lock: Lock) -> Iterator[Path]:
    """Files of installed models, one per size of vocabulary; that of the same model comes first."""
    sizes: set[int] = set()
    entries = sorted(store.installed(paths, lock), key=lambda one: one.model.name != info.base_name)
    for entry in entries:
        with suppress(QmathError, OSError):  # a file that cannot be read is of no help here; `list` shows it
            tokens = gguf_file.read(entry.path).metadata.get("tokenizer.ggml.tokens")
            size = tokens.length if isinstance(tokens, Array) else 0
            if size and size not in sizes and len(sizes) < _TRIED:
                sizes.add(size)
                yield entry.path
