"""Scans and the soil of each: what stage 1 learns from, however often each soil was scanned."""

from __future__ import annotations

import warnings
from typing import Any, Final

import torch
from numpy.typing import NDArray
from torch.nn import functional

from training.errors import LibraryError

CHUNK: Final = 256
"""Soils looked at in one go where all are. Ours: 1.7 MB of MIR spectra, and a few times that while they
are, whatever the library's size."""

MEANS_MAX_BYTES: Final = 450_000_000
"""Ours: enough for 66,000 soils of 1,701 bands, and leaves room in the gigabyte that stage 1 may take
beside its library. Beyond it means are made anew for each batch, which costs a tenth of the speed."""


class ScanRepeats:
    """``spectra`` ``[m, bands]`` float32 and ``soil`` ``[m]``, which of ``n`` soils each is of.

    Spectra are taken as they lie: in memory, or mapped from a file (`numpy.load` with
    ``mmap_mode``). They are neither copied nor sorted.
    Raises `LibraryError` where a soil between the first and the last has no scan.
    """

    def __init__(self, spectra: Any, soil: Any) -> None:
        if len(spectra) != len(soil) or not len(soil):
            raise LibraryError(
                f"{len(spectra)} scans, and the soil of {len(soil)}", "give each scan its soil"
            )
        self.spectra = spectra
        self._count = torch.bincount(soil)
        if not bool(self._count.all()):
            missing = int((self._count == 0).nonzero()[0])
            raise LibraryError(f"soil {missing} has no scan", "leave it out")
        self._order = torch.argsort(soil, stable=True)
        self._first = self._count.cumsum(0) - self._count

    @classmethod
    def of(cls, spectra: NDArray[Any], soil: NDArray[Any]) -> ScanRepeats:
        """From arrays, also read-only ones."""
        with warnings.catch_warnings():
            # Nothing here writes, so a file mapped for reading will do.
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return cls(torch.from_numpy(spectra), torch.from_numpy(soil).long())

    @classmethod
    def dense(cls, spectra: Any) -> ScanRepeats:
        """From ``[n, repeats, bands]``: every soil as often as any other."""
        soils, repeats = spectra.shape[:2]
        return cls(spectra.flatten(0, 1), torch.arange(soils).repeat_interleave(repeats))

    def __len__(self) -> int:
        return len(self._count)

    @property
    def bands(self) -> int:
        """Points of a spectrum."""
        return int(self.spectra.shape[1])

    def to(self, device: str) -> ScanRepeats:
        """The same on ``device``; nothing is copied where it is there already."""
        moved = ScanRepeats.__new__(ScanRepeats)
        for name, tensor in vars(self).items():
            setattr(moved, name, tensor.to(device))
        return moved

    def held_means(self, soils: Any) -> Any:
        """The `mean` of ``soils`` ``[k]``, all in memory, ``[k, bands]``.

        None where that takes more than `MEANS_MAX_BYTES`, or the means are the scans themselves.
        """
        scanned_once = len(self) == len(self.spectra)
        if scanned_once or len(soils) * self.bands * 4 > MEANS_MAX_BYTES:
            return None
        means = self.spectra.new_empty((len(soils), self.bands))
        for place, part in zip(means.split(CHUNK), soils.split(CHUNK), strict=True):
            place.copy_(self.mean(part))
        return means

    def first(self, soils: Any) -> Any:
        """The first scan ``[k, bands]`` of each of ``soils`` ``[k]``."""
        return self.spectra.index_select(0, self._order[self._first[soils]])

    def drawn(self, soils: Any, rng: Any) -> Any:
        """One scan ``[k, bands]`` of each of ``soils`` ``[k]``, any of its scans as likely."""
        numbers = torch.randint(2**62, soils.shape, generator=rng, device=soils.device)
        scans = self._first[soils] + numbers % self._count[soils]
        # Half the time of indexing with brackets.
        return self.spectra.index_select(0, self._order[scans])

    def mean(self, soils: Any) -> Any:
        """The mean ``[k, bands]`` over all scans of each of ``soils`` ``[k]``."""
        if len(self) == len(self.spectra):
            return self.first(soils)
        count = self._count[soils]
        begin = count.cumsum(0) - count
        scans = torch.arange(int(count.sum()), device=soils.device)
        scans += (self._first[soils] - begin).repeat_interleave(count)
        # Gathers and adds in one pass: no batch with every repeat is made.
        return functional.embedding_bag(self._order[scans], self.spectra, begin, mode="mean")
