"""What a model on a server is, from its id there, and which one a user means."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qmath_cli.errors import ModelMissing, UsageError
from qmath_cli.models import lockfile
from qmath_cli.models.served import choose, served
from qmath_cli.records import ModelFamily, ModelKind, ServerInfo, ServerKind

LOCK = lockfile.load()


def on_server(model: str) -> ServerInfo:
    return ServerInfo("http://gpu:8000", ServerKind.VLLM, model=model, context=4096)


@pytest.mark.parametrize(
    ("name", "base_name", "kind", "family"),
    [
        ("Qwen/Qwen2.5-Math-72B-Instruct", "72b-instruct", ModelKind.INSTRUCT, ModelFamily.QWEN2_5),
        ("/models/Qwen2.5-Math-7B-Instruct-Q4_K_M.gguf", "7b-instruct", ModelKind.INSTRUCT, ModelFamily.QWEN2_5),
        ("qwen2.5-math:7b", "7b", ModelKind.BASE, ModelFamily.QWEN2_5),
        ("Qwen2.5-Math-72B-Instruct-AWQ", "72b-instruct", ModelKind.INSTRUCT, ModelFamily.QWEN2_5),
        ("72b-instruct", "72b-instruct", ModelKind.INSTRUCT, ModelFamily.QWEN2_5),
        ("Qwen2-Math-7B-Instruct", "qwen2-7b-instruct", ModelKind.INSTRUCT, ModelFamily.QWEN2),
        ("C:\\models\\Qwen2.5-Math-RM-72B", "rm-72b", ModelKind.REWARD, ModelFamily.QWEN2_5),
        ("meta-llama/Llama-3-8B-Instruct", "", ModelKind.INSTRUCT, ModelFamily.OTHER),
        ("gpt", "", ModelKind.INSTRUCT, ModelFamily.OTHER),
    ],
)
def test_a_model_is_known_by_its_id(name: str, base_name: str, kind: ModelKind, family: ModelFamily) -> None:
    """A repository, an alias, a tag, or the path of a file."""
    found = served([on_server(name)], LOCK)
    assert (found.base_name, found.kind, found.family) == (base_name, kind, family)
    assert bool(found.warnings) == (family is ModelFamily.OTHER)


@pytest.mark.parametrize(
    ("ids", "wanted", "found"),
    [
        (["a"], "", "a"),
        (["a", "Qwen/Qwen2.5-Math-7B-Instruct"], "7b-instruct", "Qwen/Qwen2.5-Math-7B-Instruct"),
        (["a", "Qwen/Qwen2.5-Math-7B-Instruct"], "7b-instruct:q4_k_m", "Qwen/Qwen2.5-Math-7B-Instruct"),
        (["/x/Model_Q4.gguf", "b"], "model-q4", "/x/Model_Q4.gguf"),
        (["qwen2.5-math:7b", "qwen2.5-math:1.5b"], "qwen2.5-math:7b", "qwen2.5-math:7b"),
    ],
)
def test_the_model_that_a_user_means(ids: Sequence[str], wanted: str, found: str) -> None:
    """By its id, its last part, or its name in the lock."""
    assert choose(ids, wanted, LOCK, "http://gpu") == found


@pytest.mark.parametrize(("ids", "wanted"), [([], ""), (["a", "b"], ""), (["a"], "b"), (["x/a", "y/a"], "a")])
def test_what_no_single_model_is_meant_by_is_refused(ids: Sequence[str], wanted: str) -> None:
    """The message says what the server has."""
    with pytest.raises(ModelMissing) as caught:
        choose(ids, wanted, LOCK, "http://gpu")
    assert all(one in caught.value.message + caught.value.hint for one in ids)


def test_servers_share_one_model() -> None:
    """Another quantization of it is the same; another size is not."""
    both = served(
        [on_server("Qwen/Qwen2.5-Math-7B-Instruct"), on_server("/m/qwen2.5-math-7b-instruct-q8_0.gguf")], LOCK
    )
    assert len(both.servers) == 2
    with pytest.raises(UsageError, match="72B"):
        served([on_server("Qwen/Qwen2.5-Math-7B-Instruct"), on_server("Qwen/Qwen2.5-Math-72B-Instruct")], LOCK)
