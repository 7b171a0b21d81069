"""An engine that may fail, with the processor's in reserve."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge.assessment import Engine
from edge.errors import EngineError
from edge.predictor import Estimate

_LOG = logging.getLogger("loamscan")


class WithSpare:
    """Runs ``first`` until it fails once, and then what ``spare`` makes: a GPU that was lost stays lost.

    Whoever needs `engine` asks for it anew with each estimate.
    """

    def __init__(self, first: Engine, spare: Callable[[], Engine]) -> None:
        self._running = first
        self._spare: Callable[[], Engine] | None = spare

    @property
    def engine(self) -> str:
        """The engine that runs now."""
        return self._running.engine

    def predict(self, reflectance: NDArray[np.float32]) -> Estimate:
        """Estimate from ``[n, bands]``; raises `EngineError` where the spare fails too."""
        try:
            return self._running.predict(reflectance)
        except EngineError as error:
            if self._spare is None:
                raise
            _LOG.error("%s failed and is not used again: %s", self.engine, error)
            # Kept for good: taking a plan down where the GPU is lost can end the process.
            self._lost = self._running
            self._running, self._spare = self._spare(), None
            return self._running.predict(reflectance)
