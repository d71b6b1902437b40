"""What `--help` prints: options in groups, every text whole, nothing that only a programmer reads.

Typer's own pages show types and ranges in brackets, cut summaries at the line's end, and are 50 to 78 columns wide in a
window of any width. These fit the window, up to what reads well; in a narrow one a text stands below its name. The
groups are those that the options name (`rich_help_panel`), in the order of `_GROUPS`; an option without one stands in
the last.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

from qmath_cli.commands.options.on_demand import read_on_demand
from qmath_cli.terminal.tables import definition
from qmath_cli.terminal.text_width import text_width

_GROUPS = ("Problem", "Data", "Model", "Sampling", "Programs", "Output", "Options")

#: The commands by what they are for.
COMMAND_GROUPS = {
    "Solve": ("solve", "repl", "batch", "history", "check", "score", "exec", "render"),
    "Measure": ("eval", "compare", "bench"),
    "Models": ("list", "pull", "add", "convert", "imatrix", "verify", "rm"),
    "This installation": ("doctor",),
}

_NAME_WIDTH = 30  # columns; a longer name has its text on the next line
_INDENT = "  "

Row = tuple[str, str]


class GroupedCommand(TyperCommand):
    """A command whose help page has its options in groups, and whose options are read when they are given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  Typer does not export the type
        """Read a command line."""
        read_on_demand(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  Typer does not export the types
        """Write arguments and options."""
        arguments = [(_argument(param), _text(param)) for param in self.get_params(ctx) if _is_argument(param)]
        sections: dict[str, list[Row]] = {"Arguments": arguments, **{group: [] for group in _GROUPS}}
        for param in self.get_params(ctx):
            if not _is_argument(param):
                sections[getattr(param, "rich_help_panel", None) or "Options"].append((_option(param), _text(param)))
        _write(formatter, sections.items())


class GroupedProgram(TyperGroup):
    """The program's own help page: its commands in groups, each with its whole summary."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  Typer does not export the type
        """Read a command line up to the command."""
        read_on_demand(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  Typer does not export the types
        """Write the commands, then the program's options."""
        summaries = {name: _summary(command.help) for name, command in self.commands.items()}
        grouped = {title: [(name, summaries[name]) for name in names] for title, names in COMMAND_GROUPS.items()}
        options = [(_option(param), _text(param)) for param in self.get_params(ctx)]
        _write(formatter, [*grouped.items(), ("Options", options)])


def page_width() -> int:
    """Columns of a page: those of the terminal but for a margin, up to what reads well."""
    return text_width() - len(_INDENT)


def _write(formatter: Any, sections: Iterable[tuple[str, list[Row]]]) -> None:  # noqa: ANN401  as above
    filled = [(title, rows) for title, rows in sections if rows]
    width = max((len(name) for _, rows in filled for name, _ in rows if len(name) <= _NAME_WIDTH), default=0)
    for title, rows in filled:
        with formatter.section(title):
            for name, text in rows:
                for line in definition(name, text, width, formatter.width - len(_INDENT)):
                    formatter.write(f"{_INDENT}{line}\n")


def _is_argument(param: Any) -> bool:  # noqa: ANN401  as above
    return bool(param.param_type_name == "argument")


def _argument(param: Any) -> str:  # noqa: ANN401  as above
    return str(param.metavar or param.name.upper())


def _option(param: Any) -> str:  # noqa: ANN401  as above
    """`-k, --samples N`."""
    names = ", ".join(sorted(param.opts, key=len))
    if param.is_flag:
        return names
    return f"{names} {param.metavar}"


def _text(param: Any) -> str:  # noqa: ANN401  as above
    return " ".join(inspect.cleandoc(getattr(param, "help", None) or "").split())


def _summary(text: str | None) -> str:
    """The first paragraph of a command's help, on one line."""
    return " ".join(inspect.cleandoc(text or "").partition("\n\n")[0].split())
