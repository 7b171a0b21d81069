"""A bundle proved on the machine that is to run it, before anything relies on it."""

from __future__ import annotations

import numpy as np

from contract.bundle import Bundle
from contract.manifest import Precision
from edge.assessment import Assessor, Reflectance
from edge.engines.runtime import Runtime
from edge.errors import EngineError
from edge.predictor import Predictor


def prove(
    bundle: Bundle, precision: Precision = "fp32", runtime: Runtime | None = None
) -> Predictor:
    """A predictor that reproduced the golden spectra and judged them with the bundle's domain.

    Raises `EngineError` where it does not, or where the bundle's arrays do not fit its graphs.
    """
    predictor = Predictor(bundle, precision, runtime)
    predictor.check_golden()
    assessor = Assessor(bundle, predictor)
    golden = bundle.array(bundle.manifest.golden.reflectance)
    try:
        distances = [assessor.assess([Reflectance(bundle.axis, spectrum)]).q for spectrum in golden]
    except (ValueError, IndexError) as error:
        raise EngineError(
            f"the bundle's domain model does not fit its graphs: {error}", "install another bundle"
        ) from error
    if not np.all(np.isfinite(np.array(distances, dtype=np.float64))):
        raise EngineError("the bundle can't judge its own golden spectra", "install another bundle")
    return predictor
