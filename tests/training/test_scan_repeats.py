"""A library in which each soil is scanned as often as it happens to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training import scan_repeats
from training.errors import LibraryError
from training.fitting import Schedule, generator
from training.mir_autoencoder import train_mir_autoencoder
from training.scan_repeats import ScanRepeats

BANDS = 5


def ragged(counts: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Spectra in any order, and the soil of each."""
    rng = np.random.default_rng(seed)
    soil = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    return rng.normal(size=(len(soil), BANDS)).astype(np.float32), soil


@given(counts=st.lists(st.integers(1, 6), min_size=1, max_size=20))
def test_means_first_and_drawn_scans_are_of_the_soils_asked_for(counts) -> None:
    spectra, soil = ragged(counts)
    library = ScanRepeats.of(spectra, soil)
    asked = np.random.default_rng(1).integers(len(counts), size=30)
    soils = torch.from_numpy(asked)
    for one, mean, first, drawn in zip(
        asked, library.mean(soils), library.first(soils), library.drawn(soils, generator(0, 1)),
        strict=True,
    ):  # fmt: skip
        own = spectra[soil == one]
        assert mean.numpy() == pytest.approx(own.mean(axis=0), abs=1e-6)
        assert np.array_equal(first.numpy(), own[0])
        assert any(np.array_equal(drawn.numpy(), scan) for scan in own)


def test_every_repeat_is_drawn_about_as_often() -> None:
    spectra, soil = ragged([3, 1])
    library = ScanRepeats.of(spectra, soil)
    drawn = library.drawn(torch.zeros(3000, dtype=torch.long), generator(0, 1))
    times = [int((drawn == torch.from_numpy(scan)).all(dim=1).sum()) for scan in spectra[soil == 0]]
    assert sum(times) == 3000
    assert min(times) > 900


def test_dense_and_flat_are_the_same_library() -> None:
    dense = torch.randn(7, 3, BANDS, generator=generator(0, 1))
    flat = ScanRepeats.of(dense.flatten(0, 1).numpy(), np.repeat(np.arange(7), 3))
    soils = torch.arange(7)
    assert torch.equal(ScanRepeats.dense(dense).mean(soils), flat.mean(soils))
    torch.testing.assert_close(flat.mean(soils), dense.mean(dim=1))


def test_held_means_change_no_bit_and_are_left_where_they_are_too_many(monkeypatch) -> None:
    library = ScanRepeats.of(*ragged([2, 3, 1, 4]))
    soils = torch.tensor([3, 0, 1, 2, 3])
    anew = torch.cat([library.mean(soil[None]) for soil in soils])
    assert torch.equal(library.held_means(soils), anew)
    monkeypatch.setattr(scan_repeats, "CHUNK", 2)
    assert torch.equal(library.held_means(soils), anew)
    monkeypatch.setattr(scan_repeats, "MEANS_MAX_BYTES", 5 * BANDS * 4 - 1)
    assert library.held_means(soils) is None
    assert ScanRepeats.of(*ragged([1, 1, 1])).held_means(torch.arange(3)) is None


def test_a_library_whose_means_are_too_many_to_hold_trains_the_same_networks(monkeypatch) -> None:
    library = ScanRepeats.of(*ragged([2, 1, 3, 2] * 8))
    schedule = Schedule(epochs=2, batch=8, step=1e-2, patience=2)

    def trained() -> list[torch.Tensor]:
        both = train_mir_autoencoder(
            library, torch.arange(26), torch.arange(26, 32), (6,), 2, schedule, 0, lambda _: None
        )
        return list(both.state_dict().values())

    held = trained()
    monkeypatch.setattr(scan_repeats, "MEANS_MAX_BYTES", 0)
    assert all(torch.equal(*pair) for pair in zip(held, trained(), strict=True))


@pytest.mark.filterwarnings("error")
def test_a_mapped_file_trains_the_same_networks_and_is_not_copied(tmp_path: Path) -> None:
    spectra, soil = ragged([2, 1, 3, 2] * 8)
    np.save(tmp_path / "spectra.npy", spectra)
    mapped = ScanRepeats.of(np.load(tmp_path / "spectra.npy", mmap_mode="r"), soil)
    resident = ScanRepeats.of(spectra, soil)
    assert resident.to("cpu").spectra.data_ptr() == spectra.ctypes.data
    learn, check = torch.arange(26), torch.arange(26, 32)
    schedule = Schedule(epochs=2, batch=8, step=1e-2, patience=2)
    weights = [
        list(
            train_mir_autoencoder(library, learn, check, (6,), 2, schedule, 0, lambda _: None)
            .state_dict()
            .values()
        )
        for library in (mapped, resident)
    ]  # fmt: skip
    assert all(torch.equal(one, other) for one, other in zip(*weights, strict=True))


@pytest.mark.parametrize(("spectra", "soil"), [(2, [0, 2]), (3, [0, 1]), (0, [])])
def test_a_soil_without_scans_or_a_scan_without_soil_is_refused(spectra, soil) -> None:
    with pytest.raises(LibraryError):
        ScanRepeats.of(np.zeros((spectra, BANDS), np.float32), np.array(soil, dtype=np.int64))
