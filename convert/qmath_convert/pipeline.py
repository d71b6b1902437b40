"""The conversion of a checkpoint into GGUF files, in one pass: read, quantize, write, verify.

Each block of rows is read once, widened to float32, quantized for every output and written at its final offset. One
thread does all of this for a block, and a few threads work at once. There is no intermediate file, and the memory is
that of the blocks in flight. The result is the same bit for bit, whatever the number of threads.

An interrupted conversion (Ctrl-C, kill, power failure, network) leaves `.part` files and their journals; the same call
resumes it. A conversion that cannot succeed (`ConvertError`) leaves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qmath_convert import verify
from qmath_convert.digest import FileDigest
from qmath_convert.errors import ConvertError
from qmath_convert.ggml import GgmlLibrary, library
from qmath_convert.part import Part
from qmath_convert.plan import OutputFile, Plan, plan
from qmath_convert.recipe import Quant
from qmath_convert.recorder import Recorder
from qmath_convert.stream import Options, Progress, Stage, Stream

__all__ = ["Options", "Plan", "Progress", "Stage", "Written", "convert", "plan"]


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file. `quant` is None for a reward model's head; `types` counts the tensors of each type."""

    path: Path
    quant: Quant | None
    size: int
    sha256: str
    types: dict[str, int]


def convert(
    what: Plan, options: Options | None = None, report: Callable[[Progress], None] = lambda _: None
) -> tuple[Written, ...]:
    """Carry out a plan, or resume an interrupted run of it.

    Args:
        what: the plan.
        options: the options; None for the defaults.
        report: called with the progress after every block, in the calling thread.

    Returns:
        The files written, in the order of the plan's outputs.

    Raises:
        ConvertError: the conversion cannot succeed; nothing is left on the disk.
        Exception: an error of the source, unchanged; the same call resumes the conversion.
    """
    options = options or Options()
    lib = library()
    parts = [Part(output.path, output.layout.size, output.fingerprint) for output in what.outputs]
    try:
        for part, output in zip(parts, what.outputs, strict=True):
            part.open(output.layout.header)
        written = _written(what, parts, lib, options, report)
    except ConvertError:
        for part in parts:
            part.discard()
        raise
    else:
        for part in parts:
            part.remove_journal()
        return written
    finally:
        for part in parts:
            part.close()


def _written(
    what: Plan, parts: Sequence[Part], lib: GgmlLibrary, options: Options, report: Callable[[Progress], None]
) -> tuple[Written, ...]:
    """Convert what no earlier run recorded, verify every file, then rename all of them."""
    digests = [FileDigest(part, output.layout) for part, output in zip(parts, what.outputs, strict=True)]
    with Recorder(what, parts) as recorder:
        recorder.release_unused()
        Stream(what, parts, lib, options, recorder, digests, report).run()
        recorder.begin()  # the last flush, beside the rest of the hashes
        for output, digest in zip(what.outputs, digests, strict=True):
            if options.verify:
                verify.check_structure(digest.path, output.layout, lib)
        _hash_rest(what, digests, report)
        recorder.finish()
    for part in parts:
        if not part.complete:
            part.finish()
    return tuple(_described(output, digest) for output, digest in zip(what.outputs, digests, strict=True))


def _hash_rest(what: Plan, digests: Sequence[FileDigest], report: Callable[[Progress], None]) -> None:
    done = sum(digest.hashed for digest in digests)
    report(Progress(Stage.VERIFY, done, what.output_bytes))
    for digest in digests:
        for count in digest.rest():
            done += count
            report(Progress(Stage.VERIFY, done, what.output_bytes))


def _described(output: OutputFile, digest: FileDigest) -> Written:
    return Written(output.path, output.quant, output.layout.size, digest.hexdigest(), dict(output.types))
