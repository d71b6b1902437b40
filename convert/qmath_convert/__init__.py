"""Hugging Face checkpoints of Qwen2 models to quantized GGUF, in one pass."""
