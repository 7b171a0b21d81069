"""The one training loop: Adam, a falling step size, and the weights that were best on validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

Progress = Callable[[str], None]

THREADS = 2
"""Ours. Fixed, since the order of a sum, and with it the last bit, depends on it."""

PROGRESS_EPOCHS = 5


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: all ours. ``patience`` is in epochs without a better validation loss."""

    epochs: int
    batch: int
    step: float
    patience: int
    weight_decay: float = 0.0


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Same seed, same machine, same bits; torch's settings and random state are given back.

    The global state is seeded for dropout, which takes no generator.
    """
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def generator(seed: int, stream: int) -> Any:
    """A generator of its own for one part of a run."""
    return torch.Generator().manual_seed(1_000_003 * seed + stream)


def fit(
    module: Any,
    loss: Callable[[Any], Any],
    validation: Callable[[], float],
    samples: int,
    schedule: Schedule,
    rng: Any,
    progress: Progress,
    what: str,
) -> float:
    """Minimise ``loss(rows)`` over the trainable weights of ``module`` and return the best validation.

    ``loss`` takes the row numbers of a batch out of ``samples``; ``validation`` is called after
    each epoch, with ``module`` in evaluation mode, and its best weights are put back at the end.
    """
    weights = [w for w in module.parameters() if w.requires_grad]
    adam = torch.optim.AdamW(weights, lr=schedule.step, weight_decay=schedule.weight_decay)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, schedule.epochs)
    best, best_weights, waited = float("inf"), _copy(module), 0
    for epoch in range(1, schedule.epochs + 1):
        module.train()
        for rows in torch.randperm(samples, generator=rng).split(schedule.batch):
            adam.zero_grad()
            loss(rows).backward()
            adam.step()
        falling.step()
        module.eval()
        with torch.no_grad():
            reached = validation()
        if reached < best:
            best, best_weights, waited = reached, _copy(module), 0
        else:
            waited += 1
        if epoch % PROGRESS_EPOCHS == 0:
            progress(f"{what}: epoch {epoch}/{schedule.epochs}, validation {reached:.4f}")
        if waited >= schedule.patience:
            break
    module.load_state_dict(best_weights)
    module.eval()
    return best


def _copy(module: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
