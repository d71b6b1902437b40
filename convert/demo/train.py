"""Trains the demo checkpoint on a corpus, on CPU or CUDA.

    python -m convert.demo.train --corpus FOLDER --run FOLDER --checkpoint convert/demo/checkpoint --minutes 75

Hidden matrices are updated by Muon (Jordan et al., 2024; torch.optim.Muon), everything else by AdamW.
The learning rate warms up, holds, and falls linearly to zero over the last part of the budget, which is a
number of minutes or of steps. The run's state is saved in its folder, and the same command resumes it. The
weights are exported with every save.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from qmath_cli.files import unfinished

from .corpus import read
from .export import write_weights
from .model import Qwen2, Shape

M = TypeVar("M", bound=nn.Module)

MODE_AT = 4
"""The index of the first token in which the prompts of the two modes differ."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The budget, batch size and learning rates of a run."""

    minutes: float
    steps: int
    batch: int
    muon_rate: float
    adam_rate: float
    warmup: float = 0.01
    decay: float = 0.6
    """The share of the budget over which the rate falls to zero."""

    def progress(self, step: int, seconds: float) -> float:
        """The share of the budget that is used."""
        return step / self.steps if self.steps else seconds / (60 * self.minutes)

    def rate(self, progress: float) -> float:
        """The learning rate as a share of its peak."""
        rising = min(1.0, progress / self.warmup)
        return max(0.0, min(rising, (1 - progress) / self.decay))


class Batches:
    """Batches of solutions of one mode and about the same length, in an order that depends on a seed."""

    def __init__(self, folder: Path, batch: int, seed: int) -> None:
        self.folder = folder
        self.batch = batch
        self.rng = np.random.default_rng(seed)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields tokens (batch, length) and which of them are learned, without end.

        The folder is read again before each pass, so shards can be added during a run.
        """
        while True:
            self.tokens, self.mask, self.starts = read(self.folder)
            lengths = np.diff(self.starts)
            modes = self.tokens[self.starts[:-1] + MODE_AT]
            order = self.rng.permutation(len(lengths))
            pool = 40 * self.batch
            for at in range(0, len(order) - self.batch, pool):
                near = order[at : at + pool]
                near = near[np.lexsort((lengths[near], modes[near]))]
                rows = [near[i : i + self.batch] for i in range(0, len(near), self.batch)]
                for i in self.rng.permutation(len(rows)):
                    yield self._padded(rows[i], _rounded(lengths[rows[i]].max()))

    def _padded(self, rows: NDArray[np.int64], length: int) -> tuple[Tensor, Tensor]:
        tokens = np.zeros((len(rows), length), np.int64)
        mask = np.zeros((len(rows), length), np.bool_)
        for i, row in enumerate(rows):
            start, end = self.starts[row], self.starts[row + 1]
            tokens[i, : end - start] = self.tokens[start:end]
            mask[i, : end - start] = self.mask[start:end]
        return torch.from_numpy(tokens), torch.from_numpy(mask)


def _rounded(length: int) -> int:
    """The next multiple of 16, so that kernels are compiled for fewer shapes."""
    return -(-int(length) // 16) * 16


def loss_of(model: Qwen2, tokens: Tensor, mask: Tensor) -> Tensor:
    """The mean cross-entropy of the learned tokens; only their logits are computed."""
    hidden = model.model(tokens[:, :-1])[mask[:, 1:]]
    return F.cross_entropy(model.logits(hidden).float(), tokens[:, 1:][mask[:, 1:]])


def optimizers(model: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for the rest."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    matrices = [p for n, p in named if p.ndim == 2 and "layers" in n]
    rest = [p for n, p in named if p.ndim != 2 or "layers" not in n]
    found: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(rest, lr=plan.adam_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    ]
    if plan.muon_rate:
        found.append(torch.optim.Muon(matrices, lr=plan.muon_rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"))
    else:
        found.append(torch.optim.AdamW(matrices, lr=plan.adam_rate, betas=(0.9, 0.98), weight_decay=0.02, fused=True))
    return found


@dataclass(slots=True)
class Run(Generic[M]):
    """The state of a run, which is saved and restored."""

    model: M
    optimizers: list[torch.optim.Optimizer]
    step: int = 0
    seconds: float = 0.0

    def descend(self, loss: Tensor) -> None:
        """One update of the weights."""
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1

    def save(self, folder: Path, checkpoint: Path) -> None:
        """Writes the state, then the exported weights."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "step": self.step,
            "seconds": self.seconds,
        }
        path = folder / "state.pt"
        torch.save(state, unfinished(path))
        unfinished(path).rename(path)
        write_weights(checkpoint, self.model.state_dict())

    def restore(self, folder: Path) -> None:
        """Restores a saved state, if there is one."""
        path = folder / "state.pt"
        if not path.exists():
            return
        state = torch.load(path)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.seconds = state["step"], state["seconds"]


def train(run: Run[Qwen2], plan: Plan, batches: Batches, folder: Path, checkpoint: Path) -> None:
    """Trains until the plan's budget is spent."""
    device = next(run.model.parameters()).device
    peaks = [o.param_groups[0]["initial_lr"] for o in run.optimizers]
    saved = printed = time.monotonic()
    losses: list[float] = []
    for tokens, mask in batches:
        began = time.monotonic()
        progress = plan.progress(run.step, run.seconds)
        if progress >= 1:
            break
        for optimizer, peak in zip(run.optimizers, peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * plan.rate(progress)
        losses.append(step(run, tokens.to(device), mask.to(device)))
        now = time.monotonic()
        run.seconds += now - began
        if now - printed > 15:
            pace = len(losses) / (now - printed)
            mean = sum(losses) / len(losses)
            print(f"step {run.step} {progress:6.1%} loss {mean:.4f} {pace:.2f} steps/s", flush=True)
            printed, losses = now, []
        if now - saved > 180:
            run.save(folder, checkpoint)
            saved = now
    run.save(folder, checkpoint)


def step(run: Run[Qwen2], tokens: Tensor, mask: Tensor) -> float:
    """Does one update; returns the loss before it."""
    with torch.autocast(tokens.device.type, torch.bfloat16):
        loss = loss_of(run.model, tokens, mask)
    run.descend(loss)
    return float(loss.item())


def main() -> None:
    """Starts a run, or resumes it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--steps", type=int, default=0, help="a budget of steps, not of minutes")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--muon-rate", type=float, default=4e-3, help="0: AdamW for everything")
    parser.add_argument("--adam-rate", type=float, default=2e-3)
    parser.add_argument("--layers", type=int, default=Shape().layers)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    plan = Plan(args.minutes, args.steps, args.batch, args.muon_rate, args.adam_rate)
    model = Qwen2(Shape(layers=args.layers)).to(device)
    run = Run(model, optimizers(model, plan))
    for optimizer in run.optimizers:
        optimizer.param_groups[0]["initial_lr"] = optimizer.param_groups[0]["lr"]
    args.run.mkdir(parents=True, exist_ok=True)
    run.restore(args.run)
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {device}", flush=True)
    train(run, plan, Batches(args.corpus, args.batch, args.seed + run.step), args.run, args.checkpoint)


if __name__ == "__main__":
    main()
