"""Scans under one label that follow each other are the replicates of one sample."""

from __future__ import annotations

from dataclasses import dataclass

from edge.samples import SampleGrouper


@dataclass(frozen=True)
class Scanned:
    label: str
    number: int

    @property
    def sample_key(self) -> str:
        return self.label


def grouped(labels: str, wanted: int) -> list[str]:
    grouper: SampleGrouper[Scanned] = SampleGrouper(wanted, timeout_s=10.0)
    found = []
    for number, label in enumerate(labels):
        found += grouper.add(Scanned(label, number), float(number))
    found += grouper.expired(1e6)
    return ["".join(scan.label for scan in sample) for sample in found]


def test_a_sample_is_complete_with_the_wanted_replicates() -> None:
    assert grouped("aaabbb", 3) == ["aaa", "bbb"]


def test_another_label_ends_a_sample_early() -> None:
    assert grouped("aabbb", 3) == ["aa", "bbb"]


def test_one_label_can_be_scanned_again() -> None:
    assert grouped("aaaaaa", 3) == ["aaa", "aaa"]


def test_a_sample_without_more_scans_ends_by_time_and_not_before() -> None:
    grouper: SampleGrouper[Scanned] = SampleGrouper(3, timeout_s=10.0)
    grouper.add(Scanned("a", 1), 0.0)
    assert grouper.expired(9.0) == []
    assert [len(sample) for sample in grouper.expired(11.0)] == [1]
    assert grouper.expired(1e6) == []


def test_a_scan_after_the_pause_starts_a_new_sample() -> None:
    grouper: SampleGrouper[Scanned] = SampleGrouper(2, timeout_s=10.0)
    grouper.add(Scanned("a", 1), 0.0)
    assert [[s.number for s in sample] for sample in grouper.add(Scanned("a", 2), 60.0)] == [[1]]
