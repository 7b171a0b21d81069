"""One valid example of every contract, and the smallest bundle that is one."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from contract.archive import pack
from contract.bundle import bundle_bytes, describe
from contract.manifest import MANIFEST_NAME, Manifest

LOG = "019aa3b0-0000-7abc-8def-0123456789ab"
ID = "019aa3c2-7d10-7c3e-9f57-3b1f0c6a2d11"
DEVICE = {"id": "ls-0042", "site": "north-farm", "boot_id": "6f0e"}
SCANNER = {
    "model": "NeoSpectra", "serial": "21020058", "temperature_c": 31.5, "reference_age_s": 412,
}  # fmt: skip
PROPERTIES = {
    "total_carbon": (1.9, 1.2, 2.8, "%", 1.95, "c.tot_usda.a622_w.pct"),
    "inorganic_carbon": (0.06, 0.0, 0.2, "%", 0.05, None),
    "organic_carbon": (1.84, 1.21, 2.63, "%", 1.86, "oc_usda.c729_w.pct"),
    "total_nitrogen": (0.17, 0.1, 0.25, "%", 0.17, "n.tot_usda.a623_w.pct"),
    "ph_h2o": (6.8, 6.1, 7.5, "[pH]", 6.8, "ph.h2o_usda.a268_index"),
    "cec": (14.2, 9.8, 20.1, "cmol/kg", 14.2, "cec_usda.a723_cmolc.kg"),
    "clay": (23.4, 14.0, 33.1, "%", 23.9, "clay.tot_usda.a334_w.pct"),
    "silt": (41.2, 28.0, 55.0, "%", 42.0, "silt.tot_usda.c62_w.pct"),
    "sand": (35.4, 18.0, 53.0, "%", 36.1, "sand.tot_usda.c60_w.pct"),
}


def _published(kind: str, **fields: Any) -> dict[str, Any]:
    head = {"schema": f"loamscan.{kind}/1", "kind": kind, "id": ID, "log_id": LOG, "seq": 5231}
    return {**head, "device": DEVICE, **fields}


READING = _published(
    "reading",
    measured_at="2026-05-04T09:12:31.204Z",
    time_quality="gnss",
    position={"lat": 51.97512, "lon": 5.66321, "accuracy_m": 1.8, "age_s": 0.6},
    sample={
        "id": "F7-031", "field": "F7", "depth_top_cm": 0, "depth_bottom_cm": 20,
        "preparation": "field-moist", "replicates": 3, "operator": "mk",
    },
    scanner=SCANNER,
    model={
        "bundle": "reference-neospectra", "version": "1.0.0", "sha256": "0" * 64,
        "engine": "onnxruntime/fp32", "synthetic": True,
    },
    properties={
        name: {
            "value": value, "lower": lower, "upper": upper, "level": 0.9, "unit": unit,
            "raw": raw, "code": code, "flags": [],
        }
        for name, (value, lower, upper, unit, raw, code) in PROPERTIES.items()
    },
    texture={"class": "loam", "probabilities": {"loam": 0.61, "clay loam": 0.22}},
    quality={
        "verdict": "caution",
        "reasons": [{"code": "domain.gh", "text": "far from the library (GH 3.4, limit 3.0)"}],
        "gh": 3.4, "q": 0.0021, "replicate_rms": 0.0013, "snr": 640,
    },
    historical=False,
)  # fmt: skip
"""The reading of the design, whole."""


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


FILES = {
    "domain/q_mean.npy": _npy(np.zeros(3, np.float32)),
    "domain/q_components.npy": _npy(np.eye(3, dtype=np.float32)[:1]),
    "domain/gh_mean.npy": _npy(np.zeros(2, np.float32)),
    "domain/gh_whitening.npy": _npy(np.eye(2, dtype=np.float32)),
    "golden/reflectance.npy": _npy(np.full((1, 3), 0.5, np.float32)),
    "golden/properties.npy": _npy(np.ones((1, 9), np.float32)),
    "golden/latent.npy": _npy(np.zeros((1, 2), np.float32)),
    "golden/mir.npy": _npy(np.ones((1, 2), np.float32)),
    "onnx/graph.fp32.onnx": b"a graph",
}
LIMITS = {
    "caution": 1.0, "reject": 2.0, "caution_quantile": 0.95, "reject_quantile": 0.99,
    "calibrated_on": 200,
}  # fmt: skip
MANIFEST = {
    "schema": "loamscan.bundle/1",
    "name": "tiny",
    "version": "1.0.0",
    "synthetic": True,
    "description": "the smallest bundle",
    "licence": "Apache-2.0",
    "minimum_agent": "0.1.0",
    "input": {
        "axis": {"unit": "nm", "values": [2545.0, 1950.1, 1355.0]},
        "kind": "reflectance",
        "preprocessing": ["absorbance", "snv"],
    },
    "outputs": [
        {
            "name": name, "unit": unit, "code": code, "method": None, "lowest": 0.0,
            "highest": 100.0, "scale": "identity", "strategy": "nir",
        }
        for name, (_, _, _, unit, _, code) in PROPERTIES.items()
    ],
    "latent_features": 2,
    "mir_axis": {"unit": "cm-1", "values": [600, 602]},
    "graphs": {
        graph: {"fp32": "onnx/graph.fp32.onnx"}
        for graph in ("pipeline", "mir_decoder")
    },
    "intervals": {
        "method": "split-conformal",
        "level": 0.9,
        "half_width": dict.fromkeys(PROPERTIES, 0.5),
        "calibrated_on": dict.fromkeys(PROPERTIES, 50),
    },
    "domain": {
        "q_residual": {
            "mean": "domain/q_mean.npy", "components": "domain/q_components.npy", **LIMITS,
        },
        "gh": {"mean": "domain/gh_mean.npy", "whitening": "domain/gh_whitening.npy", **LIMITS},
    },
    "golden": {
        **{name: f"golden/{name}.npy" for name in ("reflectance", "properties", "latent", "mir")},
        "relative_tolerance": 1e-4,
        "absolute_tolerance": 1e-4,
    },
    "training_data": [
        {
            "name": "made up", "description": "zeros and ones", "licence": "Apache-2.0",
            "synthetic": True, "samples": 1,
        }
    ],
    "metrics": {"clay": {"r2": 0.5}},
    "files": {name: entry.model_dump() for name, entry in describe(FILES).items()},
}  # fmt: skip

EXAMPLES: dict[str, dict[str, Any]] = {
    "scan": {
        "schema": "loamscan.scan/1", "kind": "scan", "id": ID, "log_id": LOG, "number": 7,
        "measured_at": "2026-05-04T09:12:31.204Z", "time_quality": "ntp", "role": "sample",
        "spectrum_kind": "counts", "axis_id": "ab" * 32, "values": "AACAPwAAAEA=",
        "label": "F7-031", "scanner": SCANNER, "scanner_session": 1, "scanner_number": 9,
        "scan_time_ms": 2000, "full_scale": 65535.0,
    },
    "reading": READING,
    "amendment": _published(
        "amendment", amended_at="2026-05-05T09:12:31.204Z", amends=ID, reason="label put right",
        sample=READING["sample"],
    ),
    "void": _published("void", voided_at="2026-05-05T09:12:31.204Z", voids=ID, reason="a test"),
    "lost": _published(
        "lost", lost_at="2026-05-05T09:12:31.204Z", first=12, last=14,
        reason={"code": "record.refused", "text": "too large", "hint": "see the broker's limits"},
    ),
    "ack": {
        "schema": "loamscan.ack/1", "log_id": LOG, "committed": 5231, "missing": [[5235, 5240]],
    },
    "state": {
        "schema": "loamscan.state/1", "id": ID, "measured_at": "2026-05-04T09:12:31.204Z",
        "sample": "F7-031", "verdict": "ok", "synthetic": True, "texture": "loam",
        "properties": {"clay": {"value": 23.4, "lower": 14.0, "upper": 33.1, "unit": "%"}},
    },
    "status": {
        "schema": "loamscan.status/1", "status": "online", "device": DEVICE, "agent": "0.1.0",
        "bundle": "reference-neospectra", "bundle_version": "1.0.0",
        "engine": "onnxruntime/fp32", "log_id": LOG,
    },
    "event": {
        "schema": "loamscan.event/1", "device": DEVICE, "at": "2026-05-04T09:12:31.204Z",
        "reason": {"code": "scanner.gone", "text": "the scanner is not there"},
        "details": {"port": "/dev/ttyUSB0", "seconds": 3},
    },
    "bundle": MANIFEST,
}  # fmt: skip


@pytest.fixture(scope="session")
def example() -> Callable[..., dict[str, Any]]:
    """A fresh valid example of a contract by name, with fields (``a.b.c`` for inner ones) set."""

    def make(name: str, /, **changes: Any) -> dict[str, Any]:
        content = copy.deepcopy(EXAMPLES[name])
        for path, value in changes.items():
            *outer, last = path.split(".")
            place: Any = content
            for step in outer:
                place = place[int(step) if isinstance(place, list) else step]
            place[int(last) if isinstance(place, list) else last] = value
        return content

    return make


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """The members of the smallest bundle, without its manifest."""
    return dict(FILES)


@pytest.fixture(scope="session")
def bundle() -> bytes:
    """The smallest bundle, as a file."""
    return bundle_bytes(Manifest.model_validate(MANIFEST), FILES)


@pytest.fixture(scope="session")
def forge(example) -> Callable[..., bytes]:
    """A well-packed file of any manifest content and members, checked by nobody."""

    def make(members: dict[str, bytes] | None = None, **changes: Any) -> bytes:
        manifest = json.dumps(example("bundle", **changes)).encode()
        return pack({**(FILES if members is None else members), MANIFEST_NAME: manifest})

    return make
