"""The engine on the servers of a described model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from qmath_cli.engine.llama.model import VocabularyFile
from qmath_cli.engine.remote.detect import detect
from qmath_cli.engine.remote.engine import RemoteEngine
from qmath_cli.engine.remote.http import Access, Connection, Streams
from qmath_cli.engine.remote.member import ServerMember
from qmath_cli.engine.remote.vocabulary import InstalledVocabulary, ServerVocabulary, Vocabulary, agrees
from qmath_cli.errors import ServerUnusable
from qmath_cli.models import served
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.records import ModelInfo, ServerInfo, ServerKind
from qmath_cli.runtime.servers.reach import accesses, model_of
from qmath_cli.runtime.servers.vocabulary import installed_vocabulary
from qmath_cli.settings import Settings

MOST_SEQUENCES = 1024
_SILENCE_S = 180.0  # without a byte: a long prompt on a slow server takes minutes
_PATIENCE_S = 180.0  # without any server: most that are started again have read their model by then
#: Requests at once for a server that does not tell its width.
_WIDTHS = {ServerKind.VLLM: 128, ServerKind.SGLANG: 128, ServerKind.MLX_LM: 8}
_WIDTH = 4
_FIRST = 16  # requests in the beginning, for one of several servers

Note = Callable[[str], None]


@contextmanager
def open_served(
    info: ModelInfo,
    settings: Settings,
    paths: Paths,
    lock: Lock,
    sequences: int,
    *,
    note: Note = lambda _sentence: None,
    endless: bool = False,
    watched: bool = True,
) -> Iterator[RemoteEngine]:
    """The engine on the servers of a described model, for as long as the block lasts.

    Args:
        info: As `described` gave it.
        settings: The servers, and the context.
        paths: Where models are kept, of which one may have the vocabulary.
        lock: models.lock.
        sequences: How many sequences run at once.
        note: Told what a user has to know while it runs.
        endless: For measurements: an end token ends nothing.
        watched: Whether somebody sees texts while they are written; if not, they may come in whole replies.
    """
    raise_file_limit(sequences)
    with ExitStack() as stack:
        by_address = {str(one.address): one for one in accesses(settings)}
        vocabulary = installed_vocabulary(info, by_address, paths, lock)
        if vocabulary is not None:
            stack.callback(vocabulary.close)
        team = _Team(settings, info, lock, by_address, vocabulary, queued=not watched)
        engine = RemoteEngine(
            team.members(),
            settings.ctx,
            vocabulary,
            team.revive,
            patience=_PATIENCE_S,
            note=note,
            endless=endless,
            watched=watched,
        )
        stack.callback(engine.close)
        yield engine


def widths(info: ModelInfo) -> int:
    """Requests that all servers that were reached compute at once."""
    return sum(_width(one) for one in info.servers)


def default_sequences(info: ModelInfo) -> int:
    """Sequences at once where no number was asked for: some more than requests, because programs run meanwhile."""
    requests = sum(_requests(one, queued=True) for one in info.servers)
    return min(requests + max(requests // 4, 2), MOST_SEQUENCES)


class _Team:
    """The servers of one engine."""

    def __init__(
        self,
        settings: Settings,
        info: ModelInfo,
        lock: Lock,
        by_address: Mapping[str, Access],
        vocabulary: VocabularyFile | None,
        *,
        queued: bool,
    ) -> None:
        self._queued = queued
        self._settings = settings
        self._info = info
        self._lock = lock
        self._by_address = by_address
        self._installed = vocabulary

    def members(self) -> list[ServerMember]:
        """All servers, those that are away included."""
        infos = {one.address: one for one in self._info.servers}
        found = []
        for address, access in self._by_address.items():
            info = infos.get(address)
            streams = Streams(access, silence=_SILENCE_S, connections=MOST_SEQUENCES)
            limit, first = self._room(info or self._info.servers[0])
            member = ServerMember(access, self._settings.server_kind, limit, first, streams, info)
            if info is not None:
                member.vocabulary = self._vocabulary(info, member)
            found.append(member)
        return found

    def _room(self, info: ServerInfo) -> tuple[int, int]:
        """Requests at once for a server, and those in the beginning: fewer of a guess, where another could do them."""
        guessed = not info.width and len(self._by_address) > 1
        most = _requests(info, queued=self._queued)
        return most, _FIRST if guessed else most

    async def revive(self, member: ServerMember) -> None:
        """Reach a server again: see `spread.Revive`."""
        detected = await asyncio.to_thread(detect, member.access, member.kind)
        info = detected.info(model_of(detected, self._settings, self._lock))
        first = self._info.servers[0]
        if not served.same(info.model, first.model, self._lock):
            raise ServerUnusable(f"{info.address} has {info.model} now, and not {first.model}")
        if info.token_ids != first.token_ids:
            raise ServerUnusable(f"{info.address} takes {'token ids' if info.token_ids else 'text'}, unlike the others")
        vocabulary = await asyncio.to_thread(self._vocabulary, info, member)
        member.limit, member.first = self._room(info)
        member.returned(info, vocabulary)

    def _vocabulary(self, info: ServerInfo, member: ServerMember) -> Vocabulary | None:
        """What makes ids for a server; None if it gets text."""
        if not info.token_ids:
            return None
        if self._installed is not None:
            with Connection(member.access) as connection:
                if not agrees(self._installed, info, connection):
                    raise ServerUnusable(f"{info.address} has another vocabulary than the other servers")
            return InstalledVocabulary(self._installed)
        return ServerVocabulary(info, member.streams)


def _width(info: ServerInfo) -> int:
    return min(info.width or _WIDTHS.get(info.kind, _WIDTH), MOST_SEQUENCES)


def _requests(info: ServerInfo, *, queued: bool) -> int:
    """Requests that a server has at once; `queued`: some wait there, so that no slot waits for the next to arrive."""
    width = _width(info)
    return min(width + max(width // 4, 1), MOST_SEQUENCES) if queued and info.width else width


def raise_file_limit(connections: int) -> None:
    """Let this process have so many connections, where the system allows it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    wanted = connections + 512  # workers, pipes and files
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < wanted:
        with suppress(ValueError, OSError):  # then the connections that it allows have to do
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == unlimited else min(wanted, hard), hard))
