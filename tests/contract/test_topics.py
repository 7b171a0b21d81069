"""Topics: every device's own, and back from a topic to its device."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ContractError
from contract.topics import BASE, Topics, device_of

LEAVES = ["records", "ack", "state", "status", "events"]
devices = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True)


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_topic_is_base_device_and_leaf(leaf):
    assert BASE == "loamscan/1"
    assert getattr(Topics("ls-0042"), leaf) == f"loamscan/1/ls-0042/{leaf}"
    assert getattr(Topics("+"), leaf) == f"loamscan/1/+/{leaf}"


@given(devices, st.sampled_from(LEAVES))
def test_a_topic_leads_back_to_its_device(device, leaf):
    assert device_of(getattr(Topics(device), leaf)) == device


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "loamscan/1",
        "loamscan/1/ls-0042",
        "loamscan/1/ls-0042/records/x",
        "loamscan/2/d/ack",
        "loamscan/11/d/ack",
        "other/1/d/ack",
        "/loamscan/1/d/ack",
        "homeassistant/status",
    ],
)
def test_a_topic_of_somebody_else_is_refused(topic):
    with pytest.raises(ContractError, match="not one of loamscan's"):
        device_of(topic)


@pytest.mark.parametrize(
    "topic", ["loamscan/1//records", "loamscan/1/+/records", "loamscan/1/#/ack"]
)
def test_a_topic_without_a_device_is_refused(topic):
    with pytest.raises(ContractError, match="not one of loamscan's"):
        device_of(topic)
