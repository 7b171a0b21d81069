"""How far a spectrum lies from those the model knows: off their plane (Q), or along it (GH)."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import mahalanobis
from sklearn.decomposition import PCA

from calibration.domain import DomainModel, GhModel, QModel, gh_distance, q_residual
from contract.bundle import Bundle

BANDS, COMPONENTS = 12, 3
BASIS, _ = np.linalg.qr(np.random.default_rng(14).normal(size=(BANDS, BANDS)))
PLANE, NORMAL = BASIS.T[:COMPONENTS], BASIS.T[COMPONENTS:]
MEAN = np.linspace(-1, 1, BANDS)
MODEL = QModel(MEAN, PLANE, caution=1.0, reject=2.0)

FEATURES = 4
_MIXING = np.random.default_rng(39).normal(size=(FEATURES, FEATURES))
LATENTS = 2 + np.random.default_rng(40).normal(size=(60, FEATURES)) @ _MIXING
LATENT_MEAN = LATENTS.mean(axis=0)
PRECISION = np.linalg.inv(np.cov(LATENTS.T))
WHITENING = np.linalg.cholesky(PRECISION).T
GH_MODEL = GhModel(LATENT_MEAN, WHITENING, caution=1.0, reject=2.0)

scores = arrays(np.float64, (4, COMPONENTS), elements=st.floats(-100, 100))
offsets = arrays(np.float64, (4, BANDS - COMPONENTS), elements=st.floats(-10, 10))


@given(scores)
def test_spectra_in_the_plane_have_no_residual(along):
    assert np.all(MODEL.residual(MEAN + along @ PLANE) < 1e-18)


@given(scores, offsets)
def test_the_residual_is_the_squared_distance_to_the_plane(along, off):
    spectra = MEAN + along @ PLANE + off @ NORMAL
    np.testing.assert_allclose(
        MODEL.residual(spectra), np.sum(off**2, axis=1), rtol=1e-9, atol=1e-9
    )


def test_the_residual_is_that_of_scikit_learn_s_components():
    random = np.random.default_rng(15)
    training, spectra = random.normal(size=(80, 20)), random.normal(size=(30, 20))
    pca = PCA(5).fit(training)
    rest = spectra - pca.inverse_transform(pca.transform(spectra))
    np.testing.assert_allclose(
        q_residual(spectra, pca.mean_, pca.components_), np.sum(rest**2, axis=1)
    )


def test_one_spectrum_and_many_have_the_same_residuals():
    spectra = np.random.default_rng(16).normal(size=(5, BANDS))
    assert MODEL.residual(spectra).tolist() == [
        pytest.approx(float(q_residual(spectrum, MEAN, PLANE)), rel=1e-12) for spectrum in spectra
    ]


@pytest.mark.parametrize(
    ("distance", "verdict"),
    [
        (0.0, "ok"),
        (1.0, "ok"),
        (1.001, "caution"),
        (2.0, "caution"),
        (2.001, "reject"),
        (float("inf"), "reject"),
    ],
)
@pytest.mark.parametrize("model", [MODEL, GH_MODEL], ids=["Q", "GH"])
def test_a_distance_above_a_limit_is_judged_by_it(model, distance, verdict):
    assert model.verdict(distance) == verdict


@pytest.mark.parametrize("model", [MODEL, GH_MODEL], ids=["Q", "GH"])
def test_a_distance_that_is_no_number_is_never_ok(model):
    assert model.verdict(float("nan")) == "reject"


def test_gh_is_the_squared_mahalanobis_distance_over_the_number_of_features():
    expected = [mahalanobis(latent, LATENT_MEAN, PRECISION) ** 2 / FEATURES for latent in LATENTS]
    np.testing.assert_allclose(GH_MODEL.distance(LATENTS), expected, rtol=1e-9)
    np.testing.assert_allclose(gh_distance(LATENTS[0], LATENT_MEAN, WHITENING), expected[0])


def test_gh_is_zero_at_the_mean_and_one_on_average():
    assert float(gh_distance(LATENT_MEAN, LATENT_MEAN, WHITENING)) == 0
    assert GH_MODEL.distance(LATENTS).mean() == pytest.approx(1 - 1 / len(LATENTS))


def test_both_models_are_read_from_where_the_manifest_says():
    arrays_ = {
        "m.npy": MEAN, "c.npy": PLANE, "g.npy": LATENT_MEAN, "w.npy": WHITENING
    }  # fmt: skip
    files = {}
    for name, array in arrays_.items():
        out = io.BytesIO()
        np.save(out, array.astype(np.float32))
        files[name] = out.getvalue()
    q = SimpleNamespace(mean="m.npy", components="c.npy", caution=0.5, reject=0.7)
    gh = SimpleNamespace(mean="g.npy", whitening="w.npy", caution=3.0, reject=4.0)
    manifest = SimpleNamespace(domain=SimpleNamespace(q_residual=q, gh=gh))
    model = DomainModel.of(Bundle(manifest, files, ""))
    assert (model.q.caution, model.q.reject) == (0.5, 0.7)
    assert (model.gh.caution, model.gh.reject) == (3.0, 4.0)
    read = [model.q.mean, model.q.components, model.gh.mean, model.gh.whitening]
    for got, expected in zip(read, arrays_.values(), strict=True):
        assert got.tolist() == expected.astype(np.float32).tolist()
