"""What the servers of some settings have, asked all at the same time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from qmath_cli.engine.remote.detect import Detected, reachable
from qmath_cli.errors import ServerUnusable, UsageError
from qmath_cli.models.hub import network
from qmath_cli.runtime.servers.reach import accesses
from qmath_cli.settings import Settings

_AT_ONCE = 16  # servers that are asked at the same time


def listed(settings: Settings) -> Iterator[Detected | ServerUnusable]:
    """Each server with its models, in the order of the addresses, or why it cannot be asked.

    Raises:
        UsageError: A URL that is none, a key that cannot be sent, or a network that must not be used.
    """
    network.require_usable(os.environ)
    asked = accesses(settings)
    if not asked:
        raise UsageError("--server needs a URL", "for example --server http://gpu-machine:8000")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for job in [pool.submit(reachable, access, settings.server_kind) for access in asked]:
            try:
                yield job.result()
            except ServerUnusable as exc:
                yield exc
