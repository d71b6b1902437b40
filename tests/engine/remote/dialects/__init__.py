"""The kinds of servers, each in its own words."""

from tests.engine.remote.dialects.llama_server import LLAMA_SERVER
from tests.engine.remote.dialects.ollama import OLLAMA
from tests.engine.remote.dialects.plain import GENERIC, LM_STUDIO, MLX
from tests.engine.remote.dialects.sglang import SGLANG
from tests.engine.remote.dialects.vllm import VLLM
from tests.engine.remote.serving import Dialect

DIALECTS: dict[str, Dialect] = {one.kind: one for one in (VLLM, SGLANG, LLAMA_SERVER, OLLAMA, LM_STUDIO, MLX, GENERIC)}

__all__ = ["DIALECTS", "GENERIC", "LLAMA_SERVER", "LM_STUDIO", "MLX", "OLLAMA", "SGLANG", "VLLM"]
