"""The one training loop: Adam, a falling step size, and the weights that were best on validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from training.device import computing_on, device_in_use
from training.errors import DivergedError, UnfinishedError
from training.pace import Pace
from training.pace import Progress as Progress
from training.unfinished import Unfinished, begin_fit, remembering

THREADS = 2
"""Ours. Fixed, since the order of a sum, and with it the last bit, depends on it."""

BLAS_THREADS = 1
"""Of numpy and scipy, for the same reason. Its matrices are small, and threads of OpenBLAS that wait for
each other on busy cores took a hundred times as long."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: all ours.

    ``patience`` is in epochs without a better validation loss, and says nothing where there is none.
    """

    epochs: int
    batch: int
    step: float
    patience: int
    weight_decay: float = 0.0


@contextmanager
def reproducible(
    seed: int, device: str = "cpu", unfinished: Unfinished | None = None
) -> Iterator[None]:
    """Same seed, same machine and device, same bits; torch gets its settings and random state back.

    Every fit inside computes on ``device``, and is remembered in ``unfinished`` and taken up again
    from there. The global state is seeded for dropout, which takes no generator.
    """
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    fills = torch.utils.deterministic.fill_uninitialized_memory
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    # No network here reads what was not written: filling it first is time for nothing.
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        with (
            threadpool_limits(BLAS_THREADS, user_api="blas"),
            computing_on(device),
            remembering(unfinished),
            torch.random.fork_rng(devices=[] if device == "cpu" else None),
        ):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)
        torch.utils.deterministic.fill_uninitialized_memory = fills


def generator(seed: int, stream: int, device: str = "cpu") -> Any:
    """A generator of its own for one part of a run."""
    return torch.Generator(device).manual_seed(1_000_003 * seed + stream)


class Descent:
    """One minimisation of ``loss`` over the trainable weights of ``module``, an epoch at a time.

    ``loss`` takes the row numbers of a batch out of ``samples``; ``validation`` is called after
    each epoch, with ``module`` in evaluation mode. Without one the last epoch is the best, and what
    it reached is the loss of its last batch. Between epochs, `state` is everything that the next one
    depends on.
    """

    def __init__(
        self,
        module: Any,
        loss: Callable[[Any], Any],
        validation: Callable[[], float] | None,
        samples: int,
        schedule: Schedule,
        rng: Any,
    ) -> None:
        self.module, self.samples, self.schedule = module, samples, schedule
        self._loss, self._validation, self._rng = loss, validation, rng
        weights = [w for w in module.parameters() if w.requires_grad]
        self._adam = torch.optim.AdamW(
            weights, lr=schedule.step, weight_decay=schedule.weight_decay, fused=True
        )
        self.epoch, self.waited = 0, 0
        self.best = self.reached = float("inf")
        self._learnt: Any = float("inf")
        self._best_weights = _copy(module)

    @property
    def measured(self) -> str:
        """What `best` and `reached` are."""
        return "loss" if self._validation is None else "validation"

    @property
    def finished(self) -> bool:
        """Whether the last epoch is done, or patience at its end."""
        return self.epoch >= self.schedule.epochs or self.waited >= self.schedule.patience

    def batches(self) -> Iterator[int]:
        """Learn for one epoch; gives the size of each batch when it is learnt from. `check` is next."""
        self._adam.param_groups[0]["lr"] = self._step()
        self.module.train()
        order = torch.randperm(self.samples, generator=self._rng, device=self._rng.device)
        for rows in order.split(self.schedule.batch):
            self._adam.zero_grad()
            loss = self._loss(rows)
            loss.backward()
            self._adam.step()
            self._learnt = loss.detach()
            yield len(rows)

    def check_beginning(self) -> None:
        """Validate the weights as they are, which somebody chose: they are the best so far."""
        self.best = self.reached = self._judged()

    def check(self) -> None:
        """End the epoch: validate, and keep the weights if they are the best so far."""
        self.reached = self._judged()
        self.epoch += 1
        if self._validation is None or self.reached < self.best:
            self.best, self.waited = self.reached, 0
            self._best_weights = _copy(self.module)
        else:
            self.waited += 1

    def end(self) -> None:
        """Put the best weights back."""
        self.module.load_state_dict(self._best_weights)
        self.module.eval()

    def state(self) -> dict[str, Any]:
        """Tensors by name: weights, best weights, optimiser, counters, random numbers to come."""
        counters = (self.epoch, self.waited, self.best)
        state = {
            "counters": torch.tensor(counters, dtype=torch.float64),
            "draws": self._rng.get_state(),
            "global draws": _global_draws(),
        }
        state |= {f"best/{name}": w for name, w in self._best_weights.items()}
        if not self.finished:
            state |= {f"weights/{name}": w for name, w in _copy(self.module).items()}
            for i, moments in self._adam.state_dict()["state"].items():
                state |= {f"adam/{i}/{name}": moment for name, moment in moments.items()}
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`; KeyError, ValueError or RuntimeError where it is not of this descent."""
        epoch, waited, self.best = state["counters"].tolist()
        self.epoch, self.waited = int(epoch), int(waited)
        self._best_weights = _under("best/", state)
        self.module.load_state_dict(
            self._best_weights if self.finished else _under("weights/", state)
        )
        if not self.finished:
            moments: dict[int, dict[str, Any]] = {}
            for name, moment in _under("adam/", state).items():
                number, _, kind = name.partition("/")
                moments.setdefault(int(number), {})[kind] = moment
            groups = self._adam.state_dict()["param_groups"]
            self._adam.load_state_dict({"state": moments, "param_groups": groups})
        self._rng.set_state(state["draws"])
        _set_global_draws(state["global draws"])

    def _judged(self) -> float:
        if self._validation is None:
            return float(self._learnt)
        self.module.eval()
        with torch.no_grad():
            return self._validation()

    def _step(self) -> float:
        """The step size falls along a cosine (Loshchilov and Hutter 2017)."""
        return (
            0.5 * self.schedule.step * (1 + math.cos(math.pi * self.epoch / self.schedule.epochs))
        )


def fit(
    module: Any,
    loss: Callable[[Any], Any],
    validation: Callable[[], float] | None,
    samples: int,
    schedule: Schedule,
    rng: Any,
    progress: Progress,
    what: str,
) -> float:
    """Descend to the end and return the best that was reached, whose weights are put back.

    The arguments are those of `Descent`; ``what`` is its name in the lines of ``progress``.
    """
    return descend(Descent(module, loss, validation, samples, schedule, rng), progress, what)


def descend(descent: Descent, progress: Progress, what: str) -> float:
    """Take ``descent`` to its end, from where the run remembers it; returns the best that it reached.

    Raises `DivergedError` where no epoch ended in one.
    """
    kept = begin_fit(what)
    if kept.state is not None:
        try:
            descent.restore(kept.state)
        except (KeyError, ValueError, RuntimeError) as error:
            raise UnfinishedError.unusable(f"{what}: it is of another network") from error
        progress(f"{what}: going on after epoch {descent.epoch}/{descent.schedule.epochs}")
    schedule = descent.schedule
    pace = Pace(what, descent.samples, schedule.epochs, progress, descent.measured)
    while not descent.finished:
        epoch, done = descent.epoch + 1, 0
        for size in descent.batches():
            done += size
            left = (schedule.epochs - epoch + 1) * descent.samples - done
            pace.learnt(size, epoch, descent.reached, left)
        descent.check()
        kept.save(descent.state, finished=descent.finished)
    if not math.isfinite(descent.best):
        raise DivergedError(
            f"{what} came to no number in {descent.epoch} epochs",
            "look for spectra of another kind in the library: `loamscan library check`",
        )
    descent.end()
    pace.ended(descent.epoch, descent.best)
    return descent.best


def _copy(module: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def _under(prefix: str, state: dict[str, Any]) -> dict[str, Any]:
    device = device_in_use()
    return {
        name.removeprefix(prefix): tensor.to(device)
        for name, tensor in state.items()
        if name.startswith(prefix)
    }


def _global_draws() -> Any:
    return torch.get_rng_state() if device_in_use() == "cpu" else torch.cuda.get_rng_state()


def _set_global_draws(state: Any) -> None:
    if device_in_use() == "cpu":
        torch.set_rng_state(state)
    else:
        torch.cuda.set_rng_state(state)
