"""A record is given up only when the broker, not the network, is plainly refusing it."""

from __future__ import annotations

from edge.culprit import DROPS_TO_CONVICT, Culprit


def drop(culprit: Culprit, seq: int, *, alone: bool = True, proven: bool = True) -> int | None:
    return culprit.dropped(proven=proven, first_in_flight=seq, alone=alone, age_s=0.1)


def test_it_takes_several_prompt_drops_of_the_same_record_alone() -> None:
    culprit = Culprit()
    verdicts = [drop(culprit, 7) for _ in range(DROPS_TO_CONVICT)]
    assert verdicts == [None] * (DROPS_TO_CONVICT - 1) + [7]


def test_a_suspect_is_sent_alone() -> None:
    culprit = Culprit()
    assert not culprit.one_at_a_time
    drop(culprit, 7, alone=False)
    assert culprit.one_at_a_time


def test_drops_in_company_convict_nobody() -> None:
    culprit = Culprit()
    assert not any(drop(culprit, 7, alone=False) for _ in range(100))


def test_a_network_that_never_works_convicts_nobody() -> None:
    culprit = Culprit()
    assert not any(drop(culprit, 7, proven=False) for _ in range(100))


def test_a_slow_death_convicts_nobody() -> None:
    culprit = Culprit()
    assert not any(
        culprit.dropped(proven=True, first_in_flight=7, alone=True, age_s=40.0) for _ in range(100)
    )


def test_a_record_that_is_taken_after_all_is_cleared() -> None:
    culprit = Culprit()
    for _ in range(DROPS_TO_CONVICT - 1):
        drop(culprit, 7)
    culprit.cleared(7)
    assert not culprit.one_at_a_time
    assert drop(culprit, 7) is None


def test_a_broker_that_refuses_them_all_costs_one_record_and_no_more() -> None:
    culprit = Culprit()
    convicted = [drop(culprit, seq) for seq in range(1, 50) for _ in range(DROPS_TO_CONVICT)]
    assert [seq for seq in convicted if seq is not None] == [1]


def test_after_a_record_was_taken_another_can_be_convicted() -> None:
    culprit = Culprit()
    for _ in range(DROPS_TO_CONVICT):
        drop(culprit, 7)
    culprit.cleared(9)
    verdicts = [drop(culprit, 12) for _ in range(DROPS_TO_CONVICT)]
    assert verdicts[-1] == 12
