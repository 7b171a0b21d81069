"""Reason codes are a closed list, each with a sentence, a hint and a verdict."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.reasons import Reason, worst
from contract.records import ReasonGiven

DESIGNED = [
    *("scan.saturated", "scan.dark", "scan.replicate_spread", "reference.missing"),
    *("reference.expired", "axis.not_covered", "domain.q_residual", "domain.gh", "domain.nh"),
    "moisture.wet",
]


@pytest.mark.parametrize("code", DESIGNED)
def test_the_design_s_codes_are_there(code):
    assert Reason(code).value == code


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_dotted_and_speaks_to_people(reason):
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", reason.value)
    assert reason.verdict in ("ok", "caution", "reject")
    assert len(reason.text.split()) > 2
    assert not reason.text.endswith(".")
    assert reason.hint


def test_no_two_reasons_say_the_same():
    assert len({reason.text for reason in Reason}) == len(Reason)


def test_what_is_no_measurement_is_rejected_and_what_only_makes_doubt_is_not():
    rejected = {reason.value for reason in Reason if reason.verdict == "reject"}
    assert rejected == {
        *("scan.not_finite", "scan.saturated", "scan.dark", "scan.out_of_range"),
        *("reference.missing", "reference.dark", "axis.not_covered", "model.not_finite"),
        *("model.failed", "model.crashed"),
    }
    about_machines = {"wire", "scanner", "record", "log", "update"}
    for reason in Reason:
        assert (reason.verdict == "ok") == (reason.value.partition(".")[0] in about_machines)


@given(st.lists(st.sampled_from(["ok", "caution", "reject"])))
def test_the_worst_verdict_counts(verdicts):
    for verdict in ("reject", "caution", "ok"):
        if verdict in verdicts or verdict == "ok":
            assert worst(verdicts) == verdict
            break


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_given_has_the_code_the_sentence_and_the_figures(reason):
    plain, figured = ReasonGiven.of(reason), ReasonGiven.of(reason, "GH 3.4, limit 3.0")
    assert (plain.code, plain.text, plain.hint) == (reason.value, reason.text, reason.hint)
    assert figured.text == f"{reason.text} (GH 3.4, limit 3.0)"
