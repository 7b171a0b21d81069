"""Predict the spectra of a file, one by one, exactly as the daemon would."""

from __future__ import annotations

from collections.abc import Iterator

from contract.bundle import Bundle
from contract.records import Model, Part, PropertyReading, Quality, Texture
from edge.assessment import Assessor, Reflectance
from edge.proof import prove
from edge.readings import model_of, properties_of, quality_of, texture_of
from firmware_bridge.files.spectra_files import SpectraFile
from soil.spectrum import Spectrum


class FilePrediction(Part):
    """One row of a file: the parts of a reading that need no device."""

    sample: str
    model: Model
    properties: dict[str, PropertyReading]
    texture: Texture
    quality: Quality


def predict_file(
    spectra: SpectraFile, bundle: Bundle, *, include_rejected: bool = False
) -> Iterator[FilePrediction]:
    """A prediction for each row of ``spectra``, in order.

    Raises `EngineError` for a bad bundle and `AxisError` for a file that does not cover its axis.

    Rows go one at a time, since a runtime's last bits depend on the batch: the daemon's numbers
    and these are the same float32.
    """
    spectra.axis.resample(spectra.values[0], bundle.axis)
    predictor = prove(bundle)
    assessor = Assessor(bundle, predictor)
    model = model_of(bundle, predictor.engine)
    level = bundle.manifest.intervals.level
    for label, values in zip(spectra.labels, spectra.values, strict=True):
        row = Spectrum(spectra.axis, values, spectra.kind).as_reflectance()
        assessment = assessor.assess([Reflectance(row.axis, row.values)])
        yield FilePrediction.model_validate(
            {
                "sample": label,
                "model": model,
                "properties": properties_of(assessment, level, include_rejected),
                "texture": texture_of(assessment, include_rejected),
                "quality": quality_of(assessment),
            }
        )
