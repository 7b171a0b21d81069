"""The reference checkpoint can be made again by whoever doubts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from parts import REPOSITORY
from soil.properties import NAMES
from training.checkpoint import load
from training.settings import Settings
from training.train import train_synthetic

REFERENCE = REPOSITORY / "edge" / "bundles" / "reference-neospectra"


@pytest.mark.long
@pytest.mark.timeout(5400)
def test_the_reference_trained_again_is_as_good_within_its_tolerance() -> None:
    card = load(Path(REFERENCE)).card
    settings = Settings(name=card.name, version=card.version, seed=card.seed, scanner=card.scanner)
    again = train_synthetic(settings, lambda line: None).card
    tolerance = card.evaluation["retrained_ccc_tolerance"]
    assert 0 < tolerance < 0.05
    for name in NAMES:
        assert again.metrics[name]["ccc"] == pytest.approx(card.metrics[name]["ccc"], abs=tolerance)
