"""The checks of `qmath doctor --server URL`: what a model server is, and what it lacks.

Each check asks one server; nothing on it is changed. Two requests of one token each are computed there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qmath_cli.doctor.results import CheckResult, Status
from qmath_cli.engine.remote.detect import Detected, detect
from qmath_cli.engine.remote.http import KEY_VARIABLE, Access, Broken, RequestRefused
from qmath_cli.engine.remote.probe import Probed, probe
from qmath_cli.errors import QmathError, UsageError
from qmath_cli.models.hub import network
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.served import choose, served
from qmath_cli.prompting.select import select
from qmath_cli.records import Language, ModelFamily, ModelInfo, ModelKind, ServerInfo, ServerKind
from qmath_cli.runtime.servers.reach import accesses
from qmath_cli.runtime.servers.rewards import reward_access, tried
from qmath_cli.settings import Settings

_CONTEXT = 4096  # tokens: what Qwen2.5-Math was trained on, prompt and solution together
_LISTED = 6  # models in a line
_HALF = 2  # a cache that holds less than this part of a prompt is not in use

_MORE_CONTEXT: Mapping[ServerKind, str] = {
    ServerKind.VLLM: f"start it with --max-model-len {_CONTEXT}",
    ServerKind.SGLANG: f"start it with --context-length {_CONTEXT}",
    ServerKind.LLAMA_SERVER: f"start it with -c {_CONTEXT} times the number of slots (-np): they divide it",
    ServerKind.LM_STUDIO: f"load the model with a context of {_CONTEXT} tokens",
}
_MORE_AT_ONCE: Mapping[ServerKind, str] = {
    ServerKind.LLAMA_SERVER: "start it with -np 8, and -c for as many contexts",
    ServerKind.LM_STUDIO: "load the model with more parallel requests",
}
_CACHE: Mapping[ServerKind, str] = {
    ServerKind.VLLM: "start it with --enable-prefix-caching",
    ServerKind.SGLANG: "start it without --disable-radix-cache",
    ServerKind.LLAMA_SERVER: "start it without --no-cache-prompt",
}
_TELL_CACHED: Mapping[ServerKind, str] = {
    ServerKind.VLLM: "; with --enable-prompt-tokens-details it would be",
    ServerKind.SGLANG: "; with --enable-cache-report it would be",
}


def examine(settings: Settings, lock: Lock) -> Iterator[CheckResult]:
    """Examine the servers of some settings, and that of their reward model.

    Yields:
        One result per check, beginning with `server` for each of them. One that cannot be used gets no further ones.

    Raises:
        UsageError: A URL that is none, a key that cannot be sent, or a network that must not be used.
    """
    network.require_usable(os.environ)
    if not settings.server and not settings.reward_server:
        raise UsageError("--server needs a URL", "for example --server http://gpu-machine:8000")
    found: list[ServerInfo] = []
    for access in accesses(settings):
        one = Examination(access, settings.server_kind, settings.model, lock)
        yield from one.results()
        found += [one.info] if one.info is not None else []
    try:
        if found:
            served(found, lock)
    except UsageError as exc:
        yield CheckResult("models", Status.PROBLEM, exc.message, exc.hint)
    if settings.reward_server:
        yield from Examination(reward_access(settings), None, settings.reward_model, lock, scores=True).results()


@dataclass(slots=True)
class Examination:
    """One server.

    Attributes:
        access: Where it is.
        kind: What the user says that it is; None: found out.
        model: Which of its models is meant; empty: the only one.
        lock: models.lock.
        scores: Whether its model has to score solutions, whatever it is called.
        info: What was found, set by `results`.
    """

    access: Access
    kind: ServerKind | None
    model: str
    lock: Lock
    scores: bool = False
    info: ServerInfo | None = None

    def results(self) -> Iterator[CheckResult]:
        """One result per check."""
        try:
            found = detect(self.access, self.kind)
        except Broken as exc:
            yield CheckResult("server", Status.PROBLEM, exc.reason, _when_broken(exc))
            return
        except QmathError as exc:
            yield CheckResult("server", Status.PROBLEM, exc.message, exc.hint)
            return
        yield _server(found)
        try:
            name = choose([model.id for model in found.models], self.model, self.lock, found.address)
        except QmathError as exc:
            yield CheckResult("models", Status.PROBLEM, exc.message, exc.hint)
            return
        yield _models(found)
        self.info = info = found.info(name)
        model = served([info], self.lock)
        if self.scores or model.kind.scores:
            yield _reward(self.access, info, model.kind if model.kind.scores else None)
        else:
            yield from _writer(self.access, info, model)


def _writer(access: Access, info: ServerInfo, model: ModelInfo) -> Iterator[CheckResult]:
    """The checks of a model that writes."""
    yield _model(model)
    yield _context(info, model)
    yield _width(info)
    yield from _probed(access, info)


def _when_broken(exc: Broken) -> str:
    return "wait until it has loaded its model" if exc.loading else "is it running, and is the URL right?"


def _server(found: Detected) -> CheckResult:
    return CheckResult("server", Status.OK, f"{found.address}: {' '.join(filter(None, (found.kind, found.version)))}")


def _models(found: Detected) -> CheckResult:
    ids = [model.id for model in found.models]
    more = f" and {len(ids) - _LISTED} more" if len(ids) > _LISTED else ""
    return CheckResult("models", Status.OK, ", ".join(ids[:_LISTED]) + more)


def _model(model: ModelInfo) -> CheckResult:
    """What qmath takes the model for, and what is to be said of it."""
    mode = select(model, Language.EN, None).mode
    detail = f"{model.name}: {model.kind}, asked for {mode}"
    if not model.warnings:
        return CheckResult("model", Status.OK, detail)
    fix = "serve Qwen2.5-Math-7B-Instruct or -72B-Instruct" if model.family is ModelFamily.OTHER else ""
    return CheckResult("model", Status.WARNING, f"{detail}; {'; '.join(model.warnings)}", fix)


def _context(info: ServerInfo, model: ModelInfo) -> CheckResult:
    if not info.context:
        detail = f"not told; {_CONTEXT} tokens are assumed: --ctx says another number"
        return CheckResult("context", Status.OK, detail)
    detail = f"{info.context} tokens for problem and solution"
    if info.context < _CONTEXT and model.family is not ModelFamily.OTHER and info.kind in _MORE_CONTEXT:
        return CheckResult("context", Status.WARNING, f"{detail}; the model has {_CONTEXT}", _MORE_CONTEXT[info.kind])
    return CheckResult("context", Status.OK, detail)


def _width(info: ServerInfo) -> CheckResult:
    if not info.width:
        return CheckResult("width", Status.OK, "not told: how many sequences it computes at once")
    if info.width == 1 and info.kind in _MORE_AT_ONCE:
        return CheckResult("width", Status.WARNING, "one sequence at a time", _MORE_AT_ONCE[info.kind])
    return CheckResult("width", Status.OK, f"{info.width} sequences at once")


def _probed(access: Access, info: ServerInfo) -> Iterator[CheckResult]:
    """Whether it computes, how soon, and whether it keeps what it has computed."""
    try:
        result = probe(access, info)
    except Broken as exc:
        yield CheckResult("latency", Status.PROBLEM, exc.reason, _when_broken(exc))
        return
    except QmathError as exc:
        yield CheckResult("latency", Status.PROBLEM, exc.message, _declined_hint(exc))
        return
    detail = f"first token after {_seconds(result.first_s)}, {_seconds(result.again_s)} where the prompt is known"
    yield CheckResult("latency", Status.OK, detail)
    yield _prefixes(info, result)
    yield _prompts(info)


def _declined_hint(exc: QmathError) -> str:
    if isinstance(exc, RequestRefused) and exc.status in {401, 403}:
        return exc.hint or f"set {KEY_VARIABLE}"
    return "" if isinstance(exc, RequestRefused) else exc.hint


def _prefixes(info: ServerInfo, result: Probed) -> CheckResult:
    if result.cached_tokens is None or not result.prompt_tokens:
        detail = f"not told{_TELL_CACHED.get(info.kind, '')}: whether it computes a known beginning again"
        return CheckResult("prefixes", Status.OK, detail)
    detail = f"{result.cached_tokens} of {result.prompt_tokens} tokens of a known prompt came from its cache"
    if result.cached_tokens * _HALF < result.prompt_tokens:
        detail += "; every round of a solution is computed from its beginning"
        return CheckResult("prefixes", Status.WARNING, detail, _CACHE.get(info.kind, ""))
    return CheckResult("prefixes", Status.OK, detail)


def _prompts(info: ServerInfo) -> CheckResult:
    if info.token_ids:
        return CheckResult("prompts", Status.OK, "as token ids: no text becomes a control token")
    detail = (
        "as text: a problem that spells a control token is refused, and a program's output is changed where it does"
    )
    return CheckResult("prompts", Status.OK, detail)


def _reward(access: Access, info: ServerInfo, kind: ModelKind | None) -> CheckResult:
    """Whether it scores a solution, or its steps."""
    try:
        return CheckResult("reward", Status.OK, f"{info.model} {tried(access, info, kind).words}")
    except QmathError as exc:
        return CheckResult("reward", Status.PROBLEM, exc.message, exc.hint)


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
