"""The names that users give models: `7b-instruct`, `7b-instruct:q8_0`. The one place that takes them apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model's name in models.lock, and a quantization; empty where none was named."""

    base: str
    quantization: str = ""

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """`7B:Q8_0` -> (`7b`, `q8_0`). Any text is taken; whether such a model exists is for the store to find out."""
        base, _, quantization = text.rpartition(":")
        if not base or "/" in quantization:  # no colon, or that of an address
            base, quantization = text, ""
        return cls(base.lower(), quantization.lower())

    def __str__(self) -> str:
        return f"{self.base}:{self.quantization}" if self.quantization else self.base
