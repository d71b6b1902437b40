"""Whether this build of llama.cpp survives on this CPU."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found out; `extra_buffers` says whether weights may be repacked for this CPU's matrix instructions."""

    extra_buffers: bool = True
