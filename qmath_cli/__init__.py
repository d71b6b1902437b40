"""qmath: Qwen2.5-Math in the terminal, offline."""

__version__ = "0.1.0"
