"""Where servers score a conversation, and how their replies are read.

vLLM gives one row per token, or one row per step mark of a process reward model; SGLang gives the last row only.

Endpoints: `docs/models/pooling_models` of vLLM (`POST /pooling`, task `token_classify`); the native API in SGLang's
documentation (`docs/basic_usage/native_api`, `POST /classify`: `text` or `input_ids` as for an embedding, the score in
`embedding[0]`), and its `models/qwen2_rm.py`, which takes the last token and normalizes nothing. SGLang's
`/v1/classify` applies a softmax: not used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qmath_cli.errors import ServerUnusable
from qmath_cli.records import ServerInfo, ServerKind

_VLLM_CAUSES = (
    "two usual causes: it was not started with --runner pooling, or chunked prefill is on, which disables this task: "
    "start it with --runner pooling --no-enable-chunked-prefill"
)
_SGLANG_CAUSES = (
    "two usual causes: it was not started with --is-embedding, or it serves a model that writes: "
    "start it with --is-embedding and a reward model"
)


@dataclass(frozen=True, slots=True)
class RewardEndpoint:
    """Where and how a kind of server scores a conversation.

    Attributes:
        path: Of the endpoint.
        body: The request for these ids, given the model's name there.
        rows: The rows in a reply; None if there are none.
        causes: What is usually wrong where it does not work.
        steps: Whether process reward models run there.
    """

    path: str
    body: Callable[[str, Sequence[int]], dict[str, Any]]
    rows: Callable[[Any], Any]
    causes: str
    steps: bool


def _vllm_rows(reply: Any) -> Any:  # noqa: ANN401  as the server sends it
    data = reply.get("data") if isinstance(reply, Mapping) else None
    return data[0].get("data") if isinstance(data, list) and data and isinstance(data[0], Mapping) else None


def _sglang_rows(reply: Any) -> Any:  # noqa: ANN401  as the server sends it
    first = reply[0] if isinstance(reply, list) and reply else reply
    embedding = first.get("embedding") if isinstance(first, Mapping) else None
    return [embedding] if isinstance(embedding, list) else None


ENDPOINTS: Mapping[ServerKind, RewardEndpoint] = {
    ServerKind.VLLM: RewardEndpoint(
        "/pooling",
        lambda model, ids: {"model": model, "input": list(ids), "task": "token_classify"},
        _vllm_rows,
        _VLLM_CAUSES,
        steps=True,
    ),
    ServerKind.SGLANG: RewardEndpoint(
        "/classify",
        lambda model, ids: {"model": model, "input_ids": list(ids)},
        _sglang_rows,
        _SGLANG_CAUSES,
        steps=False,
    ),
}


def endpoint(info: ServerInfo) -> RewardEndpoint:
    """The endpoint of a server.

    Raises:
        ServerUnusable: This kind of server has none.
    """
    found = ENDPOINTS.get(info.kind)
    if found is None:
        raise ServerUnusable(
            f"{info.address} is {info.kind}, which does not run these reward models",
            "vLLM and SGLang do; a converted reward model runs here: --reward-model",
        )
    return found
