"""Records cross the border whole: read as written, kept as sent, or refused with the field named."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.errors import RecordError
from contract.identity import new_id
from contract.records import (
    RECORD_BYTES_MAX,
    Amendment,
    Lost,
    PropertyReading,
    Reading,
    ScanRecord,
    Void,
    read_record,
)
from soil.properties import NAMES

PUBLISHED = {"reading": Reading, "amendment": Amendment, "void": Void, "lost": Lost}
TIMES = {
    "reading": "measured_at", "amendment": "amended_at", "void": "voided_at", "lost": "lost_at",
}  # fmt: skip


def _read(content):
    return read_record(json.dumps(content).encode())


def test_the_reading_of_the_design_is_read_whole(example):
    reading = _read(example("reading"))
    assert isinstance(reading, Reading)
    assert reading.seq == 5231
    assert reading.device.site == "north-farm"
    assert reading.measured_at == datetime(2026, 5, 4, 9, 12, 31, 204000, timezone.utc)
    assert (reading.position.lat, reading.position.age_s) == (51.97512, 0.6)
    assert reading.sample.preparation == "field-moist"
    assert list(reading.properties) == list(NAMES)
    clay = reading.properties["clay"]
    assert (clay.lower, clay.value, clay.upper, clay.raw) == (14.0, 23.4, 33.1, 23.9)
    assert reading.texture.class_ == "loam"
    assert reading.quality.reasons[0].code == "domain.gh"
    assert reading.historical is False


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_record_comes_back_in_json_as_it_was(example, name):
    record = _read(example(name))
    assert type(record) is PUBLISHED[name]
    assert json.loads(record.to_json()) == example(name)
    assert read_record(record.to_json()) == record


def test_a_scan_comes_back_in_json_as_it_was(example):
    record = ScanRecord.model_validate(example("scan"))
    assert json.loads(record.to_json()) == example("scan")


def test_a_reading_lies_well_under_the_size_that_brokers_take(example):
    assert len(_read(example("reading")).to_json()) < RECORD_BYTES_MAX / 2


@pytest.mark.parametrize("name", PUBLISHED)
def test_fields_of_a_later_version_are_kept(example, name):
    content = example(name, schema=f"loamscan.{name}/1.7", new={"deep": [1, None, "x"]})
    content["device"]["colour"] = "green"
    assert json.loads(_read(content).to_json()) == content


def test_unknown_fields_are_kept_in_every_part_of_a_reading(example):
    content = example(
        "reading", **{"properties.moisture": example("reading")["properties"]["clay"]}
    )
    for part in ("position", "sample", "scanner", "model", "texture", "quality"):
        content[part]["later"] = 1
    content["properties"]["clay"]["later"] = 2
    content["quality"]["reasons"][0]["later"] = 3
    assert json.loads(_read(content).to_json()) == content


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("version", ["2", "2.0", "10", "1.", "1.x", "01", "1.7.1", " 1", "1\n"])
def test_another_version_is_refused(example, name, version):
    with pytest.raises(RecordError, match="schema"):
        _read(example(name, schema=f"loamscan.{name}/{version}"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_schema_of_another_kind_is_refused(example, name):
    with pytest.raises(RecordError, match="schema"):
        _read(example(name, schema="loamscan.scan/1"))


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("moment", ["2026-05-04T09:12:31.204", "2026-05-04", "yesterday", None])
def test_a_time_without_a_zone_is_refused(example, name, moment):
    with pytest.raises(RecordError, match=TIMES[name]):
        _read(example(name, **{TIMES[name]: moment}))


@pytest.mark.parametrize("moment", [1777885951, 1777885951204, "1777885951"])
def test_a_time_that_is_a_bare_number_is_refused(example, moment):
    with pytest.raises(RecordError, match="voided_at"):
        _read(example("void", voided_at=moment))


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_a_time_that_utc_can_t_express_is_refused(example, moment):
    with pytest.raises(RecordError, match="voided_at"):
        _read(example("void", voided_at=moment))


@given(
    st.integers(0, 250 * 365 * 86_400 * 10**6).map(lambda n: timedelta(microseconds=n)),
    st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)
def test_a_time_in_any_zone_becomes_utc_in_milliseconds(example, since_1970, zone):
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + since_1970
    void = _read(example("void", voided_at=moment.astimezone(zone).isoformat()))
    written = json.loads(void.to_json())["voided_at"]
    assert written.endswith("Z")
    assert len(written) == len("2026-05-04T09:12:31.204Z")
    late = moment - datetime.fromisoformat(written.replace("Z", "+00:00"))
    assert timedelta(0) <= late < timedelta(milliseconds=1)


@pytest.mark.parametrize("name", NAMES)
def test_a_reading_names_every_one_of_the_nine_properties(example, name):
    content = example("reading")
    del content["properties"][name]
    with pytest.raises(RecordError, match=f"properties without {name}"):
        _read(content)


finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, min_size=3, max_size=3), st.permutations([0, 1, 2]))
def test_an_interval_holds_its_value(three, order):
    lower, value, upper = (sorted(three)[i] for i in order)
    fields = {"value": value, "lower": lower, "upper": upper, "level": 0.9, "unit": "%"}
    if lower <= value <= upper:
        assert PropertyReading.model_validate(fields).value == value
    else:
        with pytest.raises(ValidationError, match="does not hold its value"):
            PropertyReading.model_validate(fields)


@pytest.mark.parametrize("mask", range(8))
def test_value_and_interval_are_null_together_or_not_at_all(example, mask):
    content = example("reading")
    for bit, field in enumerate(("value", "lower", "upper")):
        if mask & 1 << bit:
            content["properties"]["clay"][field] = None
    if mask in (0, 7):
        _read(content)
    else:
        with pytest.raises(RecordError, match=r"properties\.clay: .*all null"):
            _read(content)


def test_a_rejected_reading_has_nulls_and_they_stay(example):
    content = example("reading", **{"quality.verdict": "reject", "texture.class": None})
    for property_ in content["properties"].values():
        property_.update(value=None, lower=None, upper=None, raw=None)
    assert json.loads(_read(content).to_json()) == content


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(
    "field", ["position.lat", "properties.clay.raw", "quality.snr", "texture.probabilities.loam"]
)
def test_what_is_no_number_is_refused(example, token, field):
    text = json.dumps(example("reading", **{field: "HERE"})).replace('"HERE"', token)
    with pytest.raises(RecordError, match=field.rpartition(".")[2]):
        read_record(text.encode())


@pytest.mark.parametrize(
    ("first", "last", "accepted"),
    [
        (1, 1, True),
        (1, 5230, True),
        (5230, 5230, True),
        (2, 1, False),
        (1, 5231, False),
        (5231, 5231, False),
        (6000, 6001, False),
        (0, 3, False),
        (-2, -1, False),
    ],
)
def test_a_lost_range_is_ordered_and_lies_before_its_record(example, first, last, accepted):
    content = example("lost", first=first, last=last)
    if accepted:
        assert (_read(content).first, _read(content).last) == (first, last)
    else:
        with pytest.raises(RecordError, match="lost"):
            _read(content)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("reading", "seq", 0),
        ("reading", "seq", None),
        ("reading", "id", "019AA3C2-7D10-7C3E-9F57-3B1F0C6A2D11"),
        ("reading", "id", "019aa3c2-7d10-4c3e-9f57-3b1f0c6a2d11"),
        ("reading", "log_id", "log 1"),
        ("reading", "device.id", "a/b"),
        ("reading", "device.id", "+"),
        ("reading", "device.id", ""),
        ("reading", "device.id", "x" * 65),
        ("reading", "position.lat", 90.1),
        ("reading", "position.lon", -180.1),
        ("reading", "position.accuracy_m", -1),
        ("reading", "sample.preparation", "wet"),
        ("reading", "sample.replicates", 0),
        ("reading", "time_quality", "guess"),
        ("reading", "properties.clay.level", 1),
        ("reading", "properties.clay.level", 0),
        ("reading", "quality.verdict", "fine"),
        ("amendment", "amends", "the last one"),
        ("void", "voids", ""),
        ("lost", "reason", "gone"),
    ],
)
def test_a_field_that_breaks_its_rule_is_named(example, name, field, value):
    with pytest.raises(RecordError, match=f"not a record: {name}.{field}".replace(".", r"\.")):
        _read(example(name, **{field: value}))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"kind": "reading"',
        b"[" * 100000,
        b'{"kind": "scan"}',
        b'{"kind": 1}',
        b'{"kind": "\\ud800"}',
    ],
)
def test_what_is_no_record_is_refused(payload):
    with pytest.raises(RecordError, match="not a record"):
        read_record(payload)


@given(st.data())
def test_a_record_with_any_field_replaced_is_read_or_refused(example, data):
    content = copy.deepcopy(example(data.draw(st.sampled_from(sorted(PUBLISHED)))))
    place = content
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    place[key] = data.draw(junk | st.lists(junk, max_size=2) | st.dictionaries(st.text(), junk))
    try:
        record = _read(content)
    except RecordError:
        return
    assert read_record(record.to_json()).to_json() == record.to_json()


def test_a_record_does_not_change_once_made(example):
    with pytest.raises(ValidationError, match="frozen"):
        _read(example("void")).reason = "another"


def test_new_ids_are_valid_different_and_sort_by_their_time(example):
    ids = [new_id() for _ in range(500)]
    assert len(set(ids)) == 500
    assert [one[:13] for one in ids] == sorted(one[:13] for one in ids)
    assert _read(example("void", id=ids[0])).id == ids[0]
