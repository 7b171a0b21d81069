"""Messages that are no records: status, newest state, events."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from contract.messages import Event, State, Status
from contract.records import Reading

MODELS = {"status": Status, "state": State, "event": Event}


@pytest.mark.parametrize("name", MODELS)
def test_a_message_comes_back_in_json_as_it_was(example, name):
    content = example(name, schema=f"loamscan.{name}/1.7", later=[1])
    assert json.loads(MODELS[name].model_validate(content).to_json()) == content


@pytest.mark.parametrize("name", MODELS)
def test_a_message_of_another_version_is_refused(example, name):
    with pytest.raises(ValidationError, match="schema"):
        MODELS[name].model_validate(example(name, schema=f"loamscan.{name}/2"))


def test_the_state_is_the_reading_s_numbers_without_the_rest(example):
    reading = Reading.model_validate(example("reading"))
    state = State.of(reading)
    assert (state.id, state.measured_at) == (reading.id, reading.measured_at)
    assert (state.sample, state.verdict, state.texture) == ("F7-031", "caution", "loam")
    assert state.synthetic is True
    for name, property_ in example("reading")["properties"].items():
        wanted = {key: property_[key] for key in ("value", "lower", "upper", "unit")}
        assert state.properties[name].model_dump() == wanted
    assert State.model_validate_json(state.to_json()) == state
    assert len(state.to_json()) < len(reading.to_json()) / 2


def test_the_state_of_a_rejected_reading_holds_nulls(example):
    content = example("reading", **{"quality.verdict": "reject", "texture.class": None})
    for property_ in content["properties"].values():
        property_.update(value=None, lower=None, upper=None, raw=None)
    state = json.loads(State.of(Reading.model_validate(content)).to_json())
    assert (state["verdict"], state["texture"]) == ("reject", None)
    assert state["properties"]["clay"] == {"value": None, "lower": None, "upper": None, "unit": "%"}


@pytest.mark.parametrize("status", ["online", "sleeping", "offline"])
def test_a_device_is_online_sleeping_or_offline(example, status):
    assert Status.model_validate(example("status", status=status)).status == status
    with pytest.raises(ValidationError, match="status"):
        Status.model_validate(example("status", status=status.upper()))


def test_an_event_of_a_later_code_is_read(example):
    content = example("event", **{"reason.code": "battery.swollen"})
    assert Event.model_validate(content).reason.code == "battery.swollen"
