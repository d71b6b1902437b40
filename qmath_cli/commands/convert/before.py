"""`qmath pull --measure`: the weights before quantization, as one more output of the conversion, and the comparison.

The intermediate file is written in the same pass as the models, so that each shard is deleted once it is read. The
models are installed before they are compared: an interrupted comparison leaves them whole, and the same command goes on
with the intermediate file that is still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from qmath_cli.commands.convert.measured import measuring
from qmath_cli.commands.invocation import Invocation
from qmath_cli.errors import TerminationSignal
from qmath_cli.models import fit, manifest, store
from qmath_cli.models.lockfile import LockedModel
from qmath_cli.terminal.progress import ByteProgress

if TYPE_CHECKING:
    from qmath_cli.runtime.quantizing.intermediate import Intermediate
    from qmath_convert.pipeline import Plan, Written
    from qmath_convert.source import Source


@dataclass(frozen=True, slots=True)
class Before:
    """What is compared: quantizations of a model, and the intermediate file; None where nothing is."""

    model: LockedModel
    quantizations: tuple[str, ...]
    intermediate: Intermediate | None

    @classmethod
    def chosen(cls, here: Invocation, model: LockedModel, quantizations: Sequence[str], source: Source) -> Self:
        """Choose the intermediate file. Raises `DoesNotFit` if no weights that are nearly exact fit into memory."""
        from qmath_cli.runtime.quantizing.intermediate import chosen, intermediates

        if not quantizations:
            return cls(model, (), None)
        beside = store.gguf_path(model, quantizations[0], here.paths)
        with measuring(here, ByteProgress(here.terminal), beside, 0) as surroundings:
            return cls(model, tuple(quantizations), chosen(intermediates(source, beside), surroundings))

    @property
    def size(self) -> int:
        """Bytes that it takes on the disk besides what is there."""
        return 0 if self.intermediate is None or self._is_there else self.intermediate.size

    def announce(self, here: Invocation) -> None:
        """Tell what it will take."""
        if self.intermediate is not None and self.size:
            here.terminal.note(
                f"the weights are kept in {self.intermediate.type_name} until the comparison is done: "
                f"{fit.size(self.size)} more of disk"
            )

    def added_to(self, planned: Plan) -> Plan | None:
        """The plan of everything that is to be written; None if that is nothing."""
        outputs = planned.outputs
        if self.intermediate is not None and not self._is_there:
            outputs += self.intermediate.plan.outputs
        return replace(planned, outputs=outputs) if outputs else None

    def taken_from(self, written: Sequence[Written]) -> tuple[Written, ...]:
        """The files that stay."""
        return tuple(file for file in written if self.intermediate is None or file.path != self.intermediate.path)

    def compare(self, here: Invocation, progress: ByteProgress) -> None:
        """Compare the installed models, record what it gives, and delete the intermediate file."""
        from qmath_cli.runtime.quantizing.quality import measure_quality

        if self.intermediate is None:
            return
        entries = [one for one in store.of_model(self.model, here.paths) if one.quantization in self.quantizations]
        base, base_type = self.intermediate.path, self.intermediate.type_name
        try:
            with measuring(here, progress, base, 0) as surroundings:
                found = measure_quality(base, base_type, [entry.path for entry in entries], surroundings)
        except (KeyboardInterrupt, TerminationSignal):
            here.terminal.note(f"the weights are kept for the comparison: the same command goes on; or delete {base}")
            raise
        for entry, quality in zip(entries, found, strict=True):
            known = manifest.read(manifest.manifest_path(entry.path))
            manifest.write(here.paths.models, replace(known, quality=quality))
            here.terminal.note(
                f"{entry.name}: mean KL divergence {quality.kld:.4f} ± {quality.kld_error:.4f} from {quality.base}, "
                f"same top token {quality.same_top:.1%}"
            )
        base.unlink(missing_ok=True)

    @property
    def _is_there(self) -> bool:
        return self.intermediate is not None and self.intermediate.path.is_file()
