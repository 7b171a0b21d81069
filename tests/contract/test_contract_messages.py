"""Messages that are no records: status, newest state, events."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from contract.messages import Event, State, Status

MODELS = {"status": Status, "state": State, "event": Event}


@pytest.mark.parametrize("name", MODELS)
def test_a_message_comes_back_in_json_as_it_was(example, name):
    content = example(name, schema=f"loamscan.{name}/1.7", later=[1])
    assert json.loads(MODELS[name].model_validate(content).to_json()) == content


@pytest.mark.parametrize("name", MODELS)
def test_a_message_of_another_version_is_refused(example, name):
    with pytest.raises(ValidationError, match="schema"):
        MODELS[name].model_validate(example(name, schema=f"loamscan.{name}/2"))


@pytest.mark.parametrize("status", ["online", "sleeping", "offline"])
def test_a_device_is_online_sleeping_or_offline(example, status):
    assert Status.model_validate(example("status", status=status)).status == status
    with pytest.raises(ValidationError, match="status"):
        Status.model_validate(example("status", status=status.upper()))


def test_an_event_of_a_later_code_is_read(example):
    content = example("event", **{"reason.code": "battery.swollen"})
    assert Event.model_validate(content).reason.code == "battery.swollen"
