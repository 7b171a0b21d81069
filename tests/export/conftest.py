from __future__ import annotations

from pathlib import Path

import pytest

from training.checkpoint import Checkpoint, save
from training.settings import Settings
from training.train import train_synthetic


@pytest.fixture(scope="session")
def quick_settings() -> Settings:
    return Settings(name="quick-one", seed=5, pairs=120).quick()


@pytest.fixture(scope="session")
def quick_checkpoint(quick_settings: Settings) -> Checkpoint:
    return train_synthetic(quick_settings, lambda line: None)


@pytest.fixture(scope="session")
def quick_folder(quick_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    save(quick_checkpoint, folder)
    return folder
