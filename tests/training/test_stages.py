from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from training.errors import DivergedError
from training.fitting import BLAS_THREADS, Schedule, descend, fit, generator, reproducible
from training.mir_autoencoder import (
    MirAutoencoder,
    at_library_level,
    divergence,
    mir_descent,
    train_mir_autoencoder,
)
from training.networks import MirDecoder
from training.nir_encoder import train_nir_encoder
from training.scan_repeats import ScanRepeats
from training.stages import VALIDATION_SHARE, split_by_site
from training.treatments import snv

WHOLE = (slice(None),)
SHORT = Schedule(epochs=3, batch=16, step=1e-2, patience=3)


def silent(line: str) -> None:
    pass


def test_the_decoder_is_frozen_in_stage_2() -> None:
    decoder = MirDecoder([4, 8, 30], generator(0, 9))
    before = {name: value.clone() for name, value in decoder.state_dict().items()}
    nir, mir, latent = torch.randn(40, 2, 12), torch.randn(40, 30), torch.randn(40, 4)
    validation = (nir[:8], mir[:8], latent[:8])
    train_nir_encoder(nir, WHOLE, mir, latent, validation, decoder, (8,), SHORT, 0, silent)
    assert all(torch.equal(before[name], value) for name, value in decoder.state_dict().items())
    assert not any(w.requires_grad for w in decoder.parameters())


def test_the_nir_encoder_learns() -> None:
    rng = generator(0, 8)
    decoder = MirDecoder([4, 8, 30], rng)
    latent = torch.randn(200, 4, generator=rng)
    nir = (latent @ torch.randn(4, 12, generator=rng))[:, None]
    mir = decoder(latent).detach()
    everything = (nir, mir, latent)
    none = Schedule(epochs=1, batch=64, step=0.0, patience=1)
    some = Schedule(epochs=40, batch=32, step=1e-2, patience=40)
    off = []
    for schedule in (none, some):
        encoder = train_nir_encoder(
            nir, WHOLE, mir, latent, everything, decoder, (32,), schedule, 0, silent
        )
        with torch.no_grad():
            off.append(float(((encoder(nir[:, 0]) - latent) ** 2).mean()))
    assert off[1] < 0.5 * off[0]


def test_the_autoencoder_reconstructs_better_than_the_mean() -> None:
    rng = generator(0, 7)
    spectra = torch.randn(300, 3, generator=rng) @ torch.randn(3, 40, generator=rng)
    repeats = spectra[:, None] + 0.01 * torch.randn(300, 2, 40, generator=rng)
    schedule = Schedule(epochs=100, batch=32, step=5e-3, patience=100)
    both = train_mir_autoencoder(
        ScanRepeats.dense(repeats),
        torch.arange(250),
        torch.arange(250, 300),
        (32,),
        3,
        schedule,
        0,
        silent,
    )
    with torch.no_grad():
        out = both.decoder(both.encoder(repeats[250:, 0])[0])
        wanted = at_library_level(both.encoder, both.decoder, spectra[250:])
    assert ((out - wanted) ** 2).mean() < 0.3 * wanted.var()


def test_a_band_that_is_zero_in_every_soil_harms_no_other() -> None:
    rng = generator(0, 7)
    spectra = torch.randn(60, 3, generator=rng) @ torch.randn(3, 40, generator=rng)
    spectra[:, :4] = 0.0
    repeats, rows = spectra[:, None].repeat(1, 2, 1), torch.arange(60)
    both = train_mir_autoencoder(ScanRepeats.dense(repeats), rows, rows, (8,), 3, SHORT, 0, silent)
    with torch.no_grad():
        assert torch.isfinite(both.decoder(both.encoder(spectra)[0])).all()


def test_a_scan_s_level_and_gain_are_no_matter_to_its_latent() -> None:
    rng = generator(0, 7)
    spectra = torch.randn(60, 3, generator=rng) @ torch.randn(3, 40, generator=rng)
    rows = torch.arange(60)
    library = ScanRepeats.dense(spectra[:, None])
    both = train_mir_autoencoder(library, rows, rows, (8,), 3, SHORT, 0, silent)
    with torch.no_grad():
        latent, moved = both.encoder(spectra)[0], both.encoder(1.3 * spectra + 0.2)[0]
    torch.testing.assert_close(latent, moved, rtol=1e-3, atol=1e-3)


def test_stage_1_begins_as_the_principal_components() -> None:
    rng = generator(0, 7)
    spectra = snv(torch.randn(80, 3, generator=rng) @ torch.randn(3, 40, generator=rng))
    both = MirAutoencoder(40, (8,), 3, rng)
    both.begin(ScanRepeats.dense(spectra[:, None]), torch.arange(80))
    seen = both.encoder.standardised(spectra)
    _, _, rows = torch.linalg.svd(seen, full_matrices=False)
    with torch.no_grad():
        latent = both.encoder(spectra)[0]
        made = both.decoder.standardised(latent)
    torch.testing.assert_close(made, seen @ rows[:3].T @ rows[:3], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(latent.std(dim=0), torch.ones(3), rtol=0.02, atol=0)


@pytest.mark.parametrize("step", [1e-3, 1e3])
def test_stage_1_ends_no_worse_than_it_begins_however_long_its_step(step) -> None:
    rng = generator(0, 7)
    spectra = torch.randn(60, 9, generator=rng) @ torch.randn(9, 40, generator=rng)
    library, soils = ScanRepeats.dense(spectra[:, None]), torch.arange(60)
    both = MirAutoencoder(40, (8,), 3, rng)
    schedule = Schedule(epochs=2, batch=16, step=step, patience=2)
    descent = mir_descent(both, library, soils[:40], soils[40:], schedule, 0)
    begun = descent.reached
    assert descend(descent, silent, "MIR autoencoder") <= begun
    with torch.no_grad():
        ended = float(both.loss(spectra[40:], spectra[40:]))
    assert ended == pytest.approx(descent.best, rel=1e-5)


def test_a_fit_that_comes_to_no_number_is_no_network() -> None:
    module = torch.nn.Linear(1, 1)
    with pytest.raises(DivergedError, match="MIR autoencoder came to no number in 3 epochs"):
        fit(
            module, lambda rows: (module.weight * float("nan")).sum(), lambda: float("nan"),
            16, SHORT, generator(0, 1), silent, "MIR autoencoder",
        )  # fmt: skip


def test_divergence_is_zero_for_the_standard_normal_alone() -> None:
    assert float(divergence(torch.zeros(2, 3), torch.zeros(2, 3))) == 0
    assert float(divergence(torch.ones(2, 3), torch.zeros(2, 3))) > 0


def test_the_best_weights_are_put_back_and_patience_ends_a_run() -> None:
    module = torch.nn.Linear(1, 1, bias=False)
    seen = iter([3.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    kept: list[float] = []

    def validation() -> float:
        kept.append(float(module.weight.detach()))
        return next(seen)

    schedule = Schedule(epochs=6, batch=4, step=0.1, patience=2)
    best = fit(
        module, lambda rows: module(torch.ones(1, 1)).sum(), validation, 4, schedule,
        generator(0, 1), silent, "x",
    )  # fmt: skip
    assert best == 1.0
    assert len(kept) == 4
    assert float(module.weight.detach()) == kept[1]


def test_without_validation_the_last_weights_stay_and_nothing_ends_a_run() -> None:
    module = torch.nn.Linear(1, 1, bias=False)
    lines: list[str] = []
    before = float(module.weight.detach())
    schedule = Schedule(epochs=6, batch=4, step=0.1, patience=2)
    # The loss is the same throughout: with a validation, patience would be out.
    reached = fit(
        module, lambda rows: (module.weight - module.weight.detach() + 2.0).sum(), None, 4,
        schedule, generator(0, 1), lines.append, "x",
    )  # fmt: skip
    assert reached == pytest.approx(2.0)
    # Adam's steps are as long as the step size, which falls along a cosine.
    steps = sum(0.05 * (1 + math.cos(math.pi * epoch / 6)) for epoch in range(6))
    assert float(module.weight.detach()) == pytest.approx(before - steps, rel=1e-3)
    assert lines[-1].startswith("x: done after epoch 6/6, with loss 2.0000")


def test_validation_sites_are_whole() -> None:
    site = np.repeat(np.arange(20), 5)
    learn, check = split_by_site(site)
    assert not set(site[learn]) & set(site[check])
    assert len(learn) + len(check) == len(site)


@given(sizes=st.lists(st.integers(1, 60), min_size=2, max_size=30))
def test_a_large_site_is_not_all_that_is_stopped_on(sizes) -> None:
    learn, check = split_by_site(np.repeat(np.arange(len(sizes)), sizes))
    assert len(learn)
    assert 0 < len(check) <= max(min(sizes), 2 * VALIDATION_SHARE * sum(sizes))


def test_torch_gets_its_settings_back() -> None:
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    with reproducible(3):
        torch.rand(5)
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_numpy_s_threads_are_as_many_as_torch_s_whatever_was_set() -> None:
    def blas() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        with reproducible(0):
            assert blas() == {BLAS_THREADS}
        assert blas() == {2}
