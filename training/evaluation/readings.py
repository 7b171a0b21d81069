"""What is evaluated: predictions of scans, beside what the laboratory found in their soils."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.libraries.library import Text

Floats = NDArray[np.float64]


class Predicted(NamedTuple):
    """What one strategy says of every scan: ``values`` ``[m, 9]`` in reporting units, NaN where nothing.

    ``silent`` says why nothing.
    """

    description: str
    values: Floats
    silent: str = "had too few analysed soils to learn from"


@dataclass(frozen=True, eq=False)
class Readings:
    """``m`` scans of ``n`` soils, each scan predicted on its own.

    Of each soil: ``observed`` ``[n, 9]`` in reporting units, NaN where not analysed, and ``site``
    ``[n]``. Of each scan: its ``soil`` ``[m]`` (a row of ``observed``), the ``scanner`` ``[m]``, the
    ``preparation`` ``[m]`` that the soil was in, what the ``model`` says, the ``preprocessed`` spectrum
    ``[m, k]`` and the ``latent`` ``[m, 32]``. A site, a scanner or a preparation that is not known is
    empty. ``intervals``: level to lower and upper bound ``[m, 9]``. ``flagged``: shares of scans beyond
    each limit of the domain; ``flagged_in``: of those of each preparation.
    """

    observed: Floats
    site: Text
    soil: NDArray[np.int64]
    scanner: Text
    preparation: Text
    model: Predicted
    preprocessed: Floats
    latent: Floats
    intervals: dict[float, tuple[Floats, Floats]]
    flagged: dict[str, float]
    flagged_in: dict[str, dict[str, float]]

    def soil_mean(self, of_scans: Floats) -> Floats:
        """Mean ``[n, k]`` over the scans of each soil of ``of_scans`` ``[m, k]``."""
        total = np.zeros((len(self.observed), of_scans.shape[1]))
        np.add.at(total, self.soil, of_scans)
        return total / np.bincount(self.soil, minlength=len(total))[:, None]

    def block(self) -> NDArray[np.int64]:
        """The block ``[n]`` of each soil: its site, or the soil by itself where that is not known."""
        alone = np.char.add("\0", np.arange(len(self.site)).astype(str))
        return np.unique(np.where(self.site == "", alone, self.site), return_inverse=True)[1]

    def prepared_soil(self) -> NDArray[np.int64]:
        """A number ``[m]`` for the soil of each scan in the preparation that it was in."""
        preparation = np.unique(self.preparation, return_inverse=True)[1]
        return np.asarray(self.soil * (preparation.max(initial=0) + 1) + preparation)

    def told(self, i: int, by: Floats) -> Floats:
        """Property ``i`` as observed ``[n]``, NaN too where ``by`` ``[m, 9]`` says nothing of a scan."""
        silent = np.zeros(len(self.observed), dtype=bool)
        silent[self.soil[~np.isfinite(by[:, i])]] = True
        return np.where(silent, np.nan, self.observed[:, i])
