"""Options that are read when they are given.

Typer builds a converter for each parameter of a command, those included that nobody gave, and imports pydantic for the
first. That is a tenth of the time to a first answer. A value that is missing needs no converter, and neither does one
that has its type already, as a text has; every other value is converted by Typer as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


def read_on_demand(parameters: Iterable[Any]) -> None:
    """Put off the converters of these Typer parameters, whose class Typer does not export."""
    for parameter in parameters:
        build = getattr(parameter, "get_runtime_param", None)
        described = getattr(parameter, "type_descriptor", None)
        own = getattr(getattr(described, "parameter_info", None), "parser", None)
        if build is not None and own is None:  # another version of Typer may do without
            parameter.get_runtime_param = _Converter(build, getattr(described, "annotation", None)).itself


@dataclass(frozen=True, slots=True)
class _Converter:
    """What Typer calls in the place of its own converter."""

    build: Callable[[], Any]
    wanted: Any

    def itself(self) -> _Converter:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401  as Typer's own
        """The value of a parameter."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        if several and self.wanted == list[str] and all(isinstance(one, str) for one in value):
            return list(value)
        if isinstance(self.wanted, type) and isinstance(value, self.wanted) and not several:
            return value
        return self.build().coerce(value, param=param, ctx=ctx)
