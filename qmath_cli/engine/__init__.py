"""Tokens in, tokens out: the only rooms that import llama_cpp. See `batch` for the engine itself."""
