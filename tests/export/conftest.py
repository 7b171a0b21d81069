"""One export of the quick checkpoint, in every precision, for all of this room's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.pack import Exported, export_bundle


@pytest.fixture(scope="package")
def exported(quick_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_bundle(quick_folder, tmp_path_factory.mktemp("bundles"))
