"""The output on a terminal and on a pipe, for the same events."""

from __future__ import annotations

import io
import re

import pytest

from qmath_cli.records import (
    Event,
    Finish,
    Mode,
    Output,
    Pick,
    Problem,
    ProgramFinished,
    ProgramRun,
    ProgramStarted,
    Protection,
    RunStatus,
    Sample,
    SampleFinished,
    Sampling,
    Solution,
    TextDelta,
    Timing,
    Usage,
    VoteGroup,
    Votes,
)
from qmath_cli.settings import Render
from qmath_cli.terminal.encoding import supports_unicode
from qmath_cli.terminal.highlight import highlight
from qmath_cli.terminal.output import Terminal, clean
from qmath_cli.terminal.panel import answer_panel, footer
from qmath_cli.terminal.render import Renderer, RenderOptions
from qmath_cli.terminal.style import Paint, Style, style_for
from qmath_cli.terminal.transcript import Transcript

CODE = "print(1 + 2)"
RUN = ProgramRun(CODE, Output("3", RunStatus.OK, 0.1))
BEFORE = "We use **Python**, because \\(x^2\\):\n\n```python\nprint(1 + 2)\n```\n"
AFTER = "So the answer is \\[\\boxed{\\frac{3}{4}}\\]\nDone."


class Screen(io.StringIO):
    """A stream that reports to be a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def solution(k: int = 1, answer: str | None = r"\frac{3}{4}", finish: Finish = Finish.ANSWERED) -> Solution:
    """A finished solve of `k` equal samples."""
    text = f"{BEFORE}```output\n3\n```\n{AFTER}"
    samples = tuple(Sample(text, answer, finish, (RUN,), Usage(10, 206, 20), None, i) for i in range(k))
    groups = (VoteGroup(answer, k, None, tuple(range(k))),) if answer is not None else ()
    return Solution(
        Problem("p"),
        Mode.TIR,
        answer,
        finish,
        samples,
        Sampling(),
        Votes(k, k, groups),
        Usage(10, 412, 30),
        Timing(decode_tps=11.84),
    )


def events(k: int = 1) -> list[Event]:
    """The events of a solve with one program."""
    done = solution(k)
    if k > 1:
        return [*(SampleFinished(sample) for sample in done.samples), done]
    stream: list[Event] = [TextDelta(0, char) for char in BEFORE]
    stream += [ProgramStarted(0, CODE), ProgramFinished(0, RUN), *(TextDelta(0, char) for char in AFTER)]
    return [*stream, SampleFinished(done.samples[0]), done]


def shown(style: Style, wishes: RenderOptions | None = None, *, tty: bool = True) -> tuple[str, str]:
    """Stdout and stderr after all events."""
    out, err = (Screen(), Screen()) if tty else (io.StringIO(), io.StringIO())
    renderer = Renderer(Terminal(out, err), style, wishes, lambda: Protection.FULL)
    for event in events(wishes.k if wishes else 1):
        renderer.event(event)
    renderer.close()
    return out.getvalue(), err.getvalue()


def test_a_person_sees_the_mathematics_drawn() -> None:
    """Prose, program, output, drawing, the answer in a frame with its source below, the figures on stderr."""
    out, err = shown(Style(drawn=True))
    assert out == (
        "We use Python, because x²:\n\n    print(1 + 2)\n  → 3\n\nSo the answer is\n\n"
        "    ┌───┐\n    │ 3 │\n    │ ─ │\n    │ 4 │\n    └───┘\n\nDone.\n"
        "\n╭─ answer ─╮\n│ 3        │\n│ ─        │\n│ 4        │\n╰──────────╯\n\\frac{3}{4}\n"
    )
    assert err == "412 tokens · 11.8 tok/s · 1 program\n"


def test_a_pipe_gets_the_source_and_the_answer_last() -> None:
    """Every character the model wrote, the outputs in their fences, one answer line, nothing on stderr."""
    out, err = shown(Style(), tty=False)
    assert out == f"{BEFORE}```output\n3\n```\n{AFTER}\n\\frac{{3}}{{4}}\n"
    assert err == ""


@pytest.mark.parametrize("style", [Style(drawn=True, dumb=True), Style(drawn=True, render=Render.LINE)])
def test_without_frames_the_answer_is_one_line_of_words(style: Style) -> None:
    """TERM=dumb and `--render line`: no frame, no second dimension, no brackets for the box, no LaTeX."""
    out, _ = shown(style)
    assert out.endswith("So the answer is\n    3/4\nDone.\n\nanswer: 3/4\n")
    assert not set(out) & set("╭│╰┌└─⟦⟧\\")


def test_a_dumb_terminal_can_be_read_aloud() -> None:
    """An output has a word before it instead of an arrow, and figures stand between commas."""
    out, err = shown(Style(drawn=True, dumb=True))
    assert "    print(1 + 2)\n  output: 3\n" in out
    assert err == "412 tokens, 11.8 tok/s, 1 program\n"


def test_the_source_stands_below_the_frame_only_where_it_differs() -> None:
    """An answer such as 54 is not written a third time."""
    style = Style(drawn=True)
    assert answer_panel("54", style) == ["╭─ answer ─╮", "│ 54       │", "╰──────────╯"]
    assert answer_panel("2, 3", style)[-1] == "╰──────────╯"
    assert answer_panel("x^2", style)[-1] == "x^2"


@pytest.mark.parametrize(
    ("protection", "said"),
    [
        (Protection.FULL, ""),
        (None, ""),
        (Protection.PARTIAL, " · restricted only in part (qmath doctor)"),
        (Protection.BASIC, " · restricted by Python only (qmath doctor)"),
    ],
)
def test_the_footer_speaks_of_restrictions_only_where_some_are_missing(
    protection: Protection | None, said: str
) -> None:
    """In words, with the command that says more."""
    assert footer(solution(), lambda: protection).endswith(f"1 program{said}")


def test_text_to_be_read_is_legible_on_white_and_on_black() -> None:
    """Every colour of programs and outputs has a contrast of at least 3 (WCAG 2, large text) in xterm's palette."""
    palette = {"31": (205, 0, 0), "35": (205, 0, 205)}  # XTerm-col.ad
    assert {Paint.CODE_WORD, Paint.BAD} <= set(palette)
    for paint in (Paint.CODE_WORD, Paint.BAD):
        for ground in ((255, 255, 255), (0, 0, 0)):
            assert contrast(palette[paint], ground) >= 3
    drawn = Style(drawn=True, colour=True)
    painted = highlight("def f(x): return 'a' + 12  # why", drawn) + Transcript(drawn).program_output(RUN.output)
    assert set(re.findall(r"\x1b\[([0-9;]+)m", painted)) <= {"0", Paint.CODE_WORD, Paint.DIM}


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """The contrast ratio of WCAG 2."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: tuple[int, int, int]) -> float:
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_ascii_has_nothing_but_ascii() -> None:
    """On a terminal without Unicode, fractions, frames and arrows are ASCII, on stderr too."""
    out, err = shown(Style(drawn=True, unicode=False))
    assert out.isascii()
    assert err.isascii()
    assert "---" in out


def test_answer_only_is_one_line() -> None:
    """With `-a` stdout has the answer and nothing else, on a terminal too."""
    assert shown(Style(drawn=True), RenderOptions(answer_only=True)) == ("\\frac{3}{4}\n", "")


def test_several_samples_show_the_picked_one_and_the_count() -> None:
    """Where no text has streamed, each finished one is a line on stderr; the picked one is shown, then the votes."""
    out, err = shown(Style(drawn=True), RenderOptions(k=3, pick=Pick.MAJ))
    assert out.count("print(1 + 2)") == 1
    assert out.endswith("\\frac{3}{4}\n3/3  3/4\n")
    assert err.startswith("[1/3] 3/4\n")
    assert "3/3 agree" in err


def test_colours_are_the_only_escape_sequences() -> None:
    """SGR codes and nothing else; without them the text is that of a terminal without colours."""
    out, _ = shown(Style(drawn=True, colour=True))
    assert "\x1b[" in out
    assert re.sub(r"\x1b\[[0-9;]*m", "", out) == shown(Style(drawn=True))[0]


def test_control_characters_never_reach_the_terminal() -> None:
    """Escape sequences in the model's text and in a program's output have no effect, in whatever chunks they arrive."""
    evil = "\x1b]52;c;AAAA\x07\x1b[2J\x9b31m\u202edanger\r"
    for style in (Style(), Style(drawn=True, colour=True)):
        out = Screen()
        renderer = Renderer(Terminal(out, Screen()), style)
        for char in evil:
            renderer.event(TextDelta(0, char))
        renderer.event(ProgramFinished(0, ProgramRun("x", Output(evil, RunStatus.ERROR))))
        renderer.close()
        assert not re.search(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202e]", out.getvalue())
        assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())


def test_no_answer_leaves_the_last_line_to_the_text() -> None:
    """On a pipe no answer line follows a text without an answer; stderr has the reason."""
    out, err = io.StringIO(), io.StringIO()
    Renderer(Terminal(out, err), Style()).event(solution(answer=None, finish=Finish.OUT_OF_TOKENS))
    assert out.getvalue() == ""
    assert err.getvalue() == "the token limit was reached before an answer\n"


def test_an_interrupted_program_is_shown_completely() -> None:
    """Ctrl-C inside a program: what was held back of its last line is written, and the line ended."""
    out = Screen()
    renderer = Renderer(Terminal(out, Screen()), Style(drawn=True))
    renderer.event(TextDelta(0, "Now\n```python\nx = 1\ny = "))
    renderer.close()
    assert out.getvalue() == "Now\n    x = 1\n    y =\n"


@pytest.mark.parametrize(
    ("environ", "colour", "unicode"),
    [
        ({"TERM": "xterm", "LANG": "en_GB.UTF-8"}, True, True),
        ({"TERM": "xterm", "LANG": "en_GB.UTF-8", "NO_COLOR": "1"}, False, True),
        ({"TERM": "dumb"}, False, True),
        ({}, False, True),
        ({"TERM": "xterm", "LANG": "C"}, True, False),
        ({"TERM": "xterm", "LC_ALL": "POSIX", "LANG": "en_GB.UTF-8"}, True, False),
    ],
)
def test_the_environment_decides_the_style(environ: dict[str, str], colour: bool, unicode: bool) -> None:
    """NO_COLOR, TERM and the locale are respected."""
    found = style_for(Terminal(Screen(), Screen()), environ)
    assert (found.colour, found.unicode, found.drawn) == (colour, unicode, True)
    assert not style_for(Terminal(Screen(), Screen()), environ, Render.OFF).drawn
    assert not style_for(Terminal(Screen(), Screen()), environ, Render.ASCII).unicode


def test_an_encoding_that_is_not_unicode_gets_ascii() -> None:
    """A Windows code page, Latin-1, or an unknown encoding."""
    assert not supports_unicode("cp1252", {})
    assert not supports_unicode(None, {})
    assert supports_unicode("utf-8", {})


def test_clean_keeps_newlines_and_tabs() -> None:
    """And every printing character; it removes carriage returns, escapes and bidi overrides."""
    assert clean("a\tb\r\nc中\x1b[31m\u2066\x00") == "a\tb\nc中[31m"


WIDE = r"\[x_1 + x_2 + x_3 + x_4 + x_5 = \frac{a_1 + a_2 + a_3 + a_4 + a_5 + a_6 + a_7 + a_8}{2} = \boxed{1234567}\]"


@pytest.mark.parametrize("render", [Render.AUTO, Render.LINE, Render.ASCII])
def test_a_formula_that_is_wider_than_the_terminal_is_broken(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the working and in the frame of the answer, with and without a second dimension."""
    monkeypatch.setenv("COLUMNS", "36")
    out = Screen()
    style = Style(drawn=True, unicode=render is not Render.ASCII, render=render)
    renderer = Renderer(Terminal(out, Screen()), style, RenderOptions(figures=False))
    renderer.event(TextDelta(0, WIDE))
    renderer.close()
    rows = out.getvalue().split("\n")
    assert len(rows) > 3
    assert max(len(row) for row in rows) <= 36


def test_rows_of_a_display_stay_rows_without_a_second_dimension(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--render line`: a table that does not fit one line has one row per line."""
    monkeypatch.setenv("COLUMNS", "30")
    out = Screen()
    renderer = Renderer(Terminal(out, Screen()), Style(drawn=True, render=Render.LINE))
    renderer.event(TextDelta(0, r"\begin{align*}x &= aaaa + bbbb\\ y &= cccc + dddd\end{align*}"))
    renderer.close()
    assert out.getvalue() == "    x = aaaa + bbbb\n    y = cccc + dddd\n"


def test_a_table_in_a_sentence_that_one_line_cannot_show_has_rows_of_its_own() -> None:
    """It is not shown as source; the sentence goes on below it."""
    out = Screen()
    renderer = Renderer(Terminal(out, Screen()), Style(drawn=True))
    renderer.event(TextDelta(0, r"Let $\begin{smallmatrix}1&2\\3&4\end{smallmatrix}$ be given."))
    renderer.close()
    assert out.getvalue() == "Let\n\n    1  2\n    3  4\n\nbe given.\n"
