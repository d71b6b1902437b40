"""Which servers are there, and which model they have. What speaks to them is imported where there is one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from qmath_cli.errors import ServerUnusable
from qmath_cli.models import served
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.records import ModelInfo
from qmath_cli.settings import Settings

if TYPE_CHECKING:
    from qmath_cli.engine.remote.detect import Detected
    from qmath_cli.engine.remote.http import Access, Broken

_AT_ONCE = 16  # servers that are asked at the same time


def described(settings: Settings, paths: Paths, lock: Lock) -> ModelInfo:
    """The model that a run uses: on this machine, or on the servers that it was given.

    Raises:
        ServerUnusable: No server can be reached, or one refuses.
        ModelMissing: The model is not on this machine, or not on a server.
        UsageError: A URL that is none, or servers with different models.
        Others as `models.describe.describe`.
    """
    if not settings.server:
        return describe(settings.model, paths, lock)
    from qmath_cli.models.hub import network

    network.require_usable(os.environ)
    found, away = _reached(settings)
    infos = [one.info(model_of(one, settings, lock)) for one in found]
    return served.served(infos, lock, [f"{reason}; it is asked again now and then" for reason in away])


def accesses(settings: Settings) -> list[Access]:
    """Every server's address with the key. Raises `UsageError` for what is none."""
    from qmath_cli.engine.remote.address import parse_all
    from qmath_cli.engine.remote.http import KEY_VARIABLE, Access

    key = os.environ.get(KEY_VARIABLE, "")
    found = [Access(address, key) for address in parse_all(settings.server)]
    for one in found:
        _ = one.headers  # a key that no header can carry is refused before anything is sent
    return found


def _reached(settings: Settings) -> tuple[list[Detected], list[str]]:
    """The servers that are there, and why the others are not. Raises `ServerUnusable` if none is."""
    from concurrent.futures import ThreadPoolExecutor

    from qmath_cli.engine.remote.detect import detect
    from qmath_cli.engine.remote.http import Broken

    asked = accesses(settings)
    found: list[Detected] = []
    away: list[Broken] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for job in [pool.submit(detect, access, settings.server_kind) for access in asked]:
            try:
                found.append(job.result())
            except Broken as exc:
                away.append(exc)
    if not found:
        hint = "wait until it has loaded its model" if away[0].loading else "is it running, and is the URL right?"
        raise ServerUnusable(away[0].reason, hint)
    return found, [one.reason for one in away]


def model_of(detected: Detected, settings: Settings, lock: Lock) -> str:
    """The id of the wanted model on a server. Raises `ModelMissing` if it is not there."""
    return served.choose([one.id for one in detected.models], settings.model, lock, detected.address)
