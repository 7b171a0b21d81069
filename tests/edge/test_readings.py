"""What is composed for a reading is a record to whoever reads it, whatever was found."""

from __future__ import annotations

from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.bundle import Bundle
from contract.messages import State
from contract.reasons import Reason
from contract.records import Reading, ReasonGiven, ScanRecord, read_record, to_json
from edge import clock
from edge.assessment import FAILED, Assessment, Prediction
from edge.config import parse_config
from edge.predictor import Predictor
from edge.readings import ReadingMaker, state_of
from edge.scans import LoggedScan, logged_scan, scan_document
from firmware_bridge.scan import Instrument, Scan
from soil.axis import Axis
from soil.coherence import coherent

AXIS = Axis("nm", np.linspace(2500, 1400, 12))
LOG, SCAN, RECORD = (f"019aa3b0-0000-7abc-8def-01234567890{n}" for n in "abc")
CONFIGURATION = """
    [device]
    id = "ls-0001"
    site = "north-farm"
    [scanner]
    url = "loamscan:///dev/null"
    [log]
    directory = "."
    [mqtt]
    host = "127.0.0.1"
"""


@pytest.fixture(scope="module")
def maker(reference_bundle: Bundle) -> ReadingMaker:
    engine = Predictor(reference_bundle)
    return ReadingMaker(parse_config(CONFIGURATION, Path()), reference_bundle, engine)


def scanned(**changes: Any) -> LoggedScan:
    fields: dict[str, Any] = {
        "session": 7, "number": 1, "role": "sample", "kind": "counts", "axis": AXIS,
        "values": np.arange(12, dtype=np.float32), "scan_time_ms": 2000, "full_scale": 65535.0,
    }  # fmt: skip
    return LoggedScan(
        id=SCAN,
        log_number=31,
        measured_at=clock.now(),
        time_quality="ntp",
        received_at=clock.now(),
        instrument=Instrument("NeoSpectra", "21020058", "1.2", session=7),
        scan=Scan(**{**fields, **changes}),
    )


numbers = st.floats(-1e4, 1e4, width=32)
figures = st.none() | st.floats() | st.just(nan) | st.just(inf)


@st.composite
def assessments(draw: st.DrawFn) -> Assessment:
    raw = np.array([draw(st.lists(numbers, min_size=9, max_size=9))])
    value = coherent(raw)[0]
    below, above = (
        np.array(draw(st.lists(st.floats(0, 99), min_size=9, max_size=9))) for _ in "lu"
    )
    return Assessment(
        Prediction(value, value - below, value + above, raw[0], np.zeros(32, np.float32), 0.9),
        {"loam": 0.61},
        draw(st.sampled_from(["ok", "caution", "reject"])),
        (ReasonGiven.of(Reason.DOMAIN_GH, "GH 9"),),
        *(draw(figures) for _ in range(4)),
    )


def composed(
    maker: ReadingMaker, found: Assessment, scan: LoggedScan, **options: Any
) -> dict[str, Any]:
    age_s = options.pop("reference_age_s", 3.04)
    return maker.reading([scan], found, age_s, record_id=RECORD, log_id=LOG, seq=5)


@given(
    found=assessments(), label=st.text(max_size=40), age_s=st.none() | st.floats(0) | st.just(inf)
)
def test_every_reading_is_a_record_and_leaves_a_state(
    maker: ReadingMaker, found: Assessment, label: str, age_s: float | None
) -> None:
    document = composed(maker, found, scanned(label=label), reference_age_s=age_s)
    reading = read_record(to_json(document))
    assert isinstance(reading, Reading)
    assert reading == Reading.model_validate(document)
    assert reading.sample.id == (label or "scan-31")
    assert (reading.properties["clay"].value is None) == (found.verdict == "reject")
    state = State.model_validate_json(to_json(state_of(document)))
    assert state.model_dump() == {
        "schema_": "loamscan.state/1",
        "id": RECORD,
        "measured_at": reading.measured_at,
        "sample": reading.sample.id,
        "verdict": found.verdict,
        "synthetic": reading.model.synthetic,
        "texture": reading.texture.class_,
        "properties": {
            name: p.model_dump(include={"value", "lower", "upper", "unit"})
            for name, p in reading.properties.items()
        },
    }


def test_a_sample_that_could_not_be_judged_has_its_record_too(maker: ReadingMaker) -> None:
    document = composed(maker, FAILED, scanned())
    reading = read_record(to_json(document))
    assert isinstance(reading, Reading)
    assert reading.texture.class_ is None
    assert all(p.value is p.lower is p.upper is p.raw is None for p in reading.properties.values())
    assert len(to_json(state_of(document))) < len(to_json(document)) / 2


@given(
    label=st.text(max_size=40),
    temperature_c=st.none() | st.floats(-40, 85),
    battery_pct=st.none() | st.integers(0, 100),
    values=st.lists(st.floats(width=32), min_size=12, max_size=12),
)
def test_a_scan_comes_out_of_its_record_as_it_went_in(
    label: str, values: list[float], **state: Any
) -> None:
    taken = scanned(label=label, values=np.array(values, np.float32), **state)
    record = ScanRecord.model_validate_json(to_json(scan_document(taken, LOG)), strict=True)
    back = logged_scan(record, AXIS)
    assert back.scan.values.tobytes() == taken.scan.values.tobytes()
    assert (back.id, back.log_number, back.measured_at) == (SCAN, 31, taken.measured_at)
    assert (back.instrument, back.sample_key) == (taken.instrument, taken.sample_key)
    assert (back.scan.temperature_c, back.scan.battery_pct) == (
        state["temperature_c"], state["battery_pct"],
    )  # fmt: skip
