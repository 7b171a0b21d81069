from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from soil.properties import HIGHEST, LOWEST
from training.evaluation.document import Independence, ModelNamed, TestedOn
from training.evaluation.readings import Predicted, Readings

LATENT = 6


def _readings(
    soils: int = 60, scanners: int = 2, replicates: int = 2, error: float = 0.3, seed: int = 1
) -> Readings:
    """Soils whose properties follow from the latent, each scanned as often by every scanner."""
    rng = np.random.default_rng(seed)
    middle, width = (
        np.array([4, 1, 3, 0.4, 6.5, 20, 30, 35, 35]),
        np.array([1, 0.2, 1, 0.1, 1, 5, 9, 9, 9]),
    )
    truth = rng.normal(size=(soils, LATENT))
    mix = rng.normal(size=(LATENT, 9)) / np.sqrt(LATENT)
    observed = np.clip(middle + width * (truth @ mix), LOWEST, HIGHEST)
    soil = np.repeat(np.arange(soils), scanners * replicates)
    scanner = np.tile(np.repeat([f"s{i}" for i in range(scanners)], replicates), soils)
    latent = truth[soil] + 0.1 * rng.normal(size=(len(soil), LATENT))
    predicted = observed[soil] + error * width * rng.normal(size=(len(soil), 9))
    half = 1.645 * error * width
    return Readings(
        observed=observed,
        site=np.array([f"site-{i // 4}" for i in range(soils)]),
        soil=soil,
        scanner=scanner,
        preparation=np.full(len(soil), ""),
        model=Predicted("a model", predicted),
        preprocessed=np.hstack([latent, rng.normal(size=(len(soil), 4))]),
        latent=latent,
        intervals={0.9: (predicted - half, predicted + half)},
        flagged={"any": 0.01, "any_reject": 0.0},
        flagged_in={"": {"any": 0.01, "any_reject": 0.0}},
    )


@pytest.fixture(scope="session")
def make_readings() -> Callable[..., Readings]:
    return _readings


@pytest.fixture(scope="session")
def model() -> ModelNamed:
    return ModelNamed(
        name="a-model", version="1.0.0", synthetic=False, weights_sha256="0" * 64,
        strategy={"clay": "nir-latent-mlp"},
    )  # fmt: skip


@pytest.fixture(scope="session")
def tested_on() -> TestedOn:
    return TestedOn(
        name="North farms", licence="CC0-1.0", synthetic=False, soils=60, sites=15, scanners=2,
        scans=240, dropped=[],
        independence=Independence(status="your word", shared_soils=None, text="Your word."),
    )  # fmt: skip
