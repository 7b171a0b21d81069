"""Spectra of one's own for int8 ranges: on the model's axis, all over the latent space, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from export.commands import export
from export.errors import ExportError, UnsupportedOperatorError
from export.onnx_graphs import GraphForm, onnx_graph
from export.representative import representative_of
from soil.axis import Axis
from training.libraries.library import Library, Samples, Scans
from training.quantisation_spectra import REPRESENTATIVE


def library_of(axis: Axis, values: np.ndarray) -> Library:
    names = np.array([f"soil {i}" for i in range(len(values))])
    nowhere = np.full(len(values), "")
    samples = Samples(names, np.full((len(values), 9), np.nan), nowhere, nowhere)
    return Library("own", "CC0", samples, {"nir": Scans(axis, values, names, nowhere, nowhere)})


def test_they_are_rows_of_the_library_on_the_model_s_axis(quick_checkpoint) -> None:
    spectra = quick_checkpoint.quantisation["judged"]
    axis = quick_checkpoint.card.axis.axis()
    found = representative_of(library_of(axis, spectra), quick_checkpoint)
    assert found.dtype == np.float32
    assert len(found) == min(REPRESENTATIVE, len(spectra))
    assert {row.tobytes() for row in found} <= {row.tobytes() for row in spectra}


def test_a_set_that_does_not_cover_the_axis_is_refused_with_what_is_missing(
    quick_checkpoint,
) -> None:
    short = Axis("nm", np.linspace(1400, 2500, 200))
    library = library_of(short, np.full((5, 200), 0.4, dtype=np.float32))
    with pytest.raises(ExportError, match=r"own can't serve for int8 ranges: .*1355"):
        representative_of(library, quick_checkpoint)


def test_a_library_without_nir_is_refused(quick_checkpoint) -> None:
    axis = Axis("nm", np.linspace(1300, 2600, 200))
    library = library_of(axis, np.empty((0, 200), dtype=np.float32))
    with pytest.raises(ExportError, match="own has no NIR scans"):
        representative_of(library, quick_checkpoint)


def test_spectra_and_their_format_go_together(quick_folder: Path, tmp_path: Path) -> None:
    command = [str(quick_folder), "--out", str(tmp_path), "--representative", str(tmp_path)]
    result = CliRunner().invoke(export, command)
    assert result.exit_code == 2
    assert "--representative and --format go together" in result.output


def test_an_operator_that_onnx_lacks_is_refused_by_name() -> None:
    class Odd(nn.Module):
        def forward(self, values):
            return torch.special.bessel_j0(values)

    with pytest.raises(UnsupportedOperatorError, match=r"can't export the odd: .*bessel_j0"):
        onnx_graph(Odd(), GraphForm("odd", "values", 4, ("found",)))
