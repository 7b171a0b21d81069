"""A plan is found again where everything that it depends on is the same, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.engines.kept_plans import KeptPlans, Machine, plan_key
from edge.engines.tensorrt_plan import Plan
from edge.errors import EdgeError

MACHINE = Machine("10.3.0", "12.6", "Orin", "8.7", 8)


@given(st.sampled_from(Machine._fields), st.text("ab", max_size=4))
def test_a_plan_is_of_one_machine(field, other) -> None:
    changed = MACHINE._replace(**{field: other})
    assert plan_key(b"graph", 1, changed) != plan_key(b"graph", 1, MACHINE)


def test_a_plan_is_of_one_graph_batch_and_way_of_building(monkeypatch) -> None:
    key = plan_key(b"graph", 1, MACHINE)
    assert key == plan_key(b"graph", 1, MACHINE)
    assert key != plan_key(b"another", 1, MACHINE)
    assert key != plan_key(b"graph", 2, MACHINE)
    monkeypatch.setattr("edge.engines.kept_plans.BUILDER", 2)
    assert key != plan_key(b"graph", 1, MACHINE)


def test_a_plan_and_its_timings_are_read_back(tmp_path: Path) -> None:
    plans = KeptPlans(tmp_path / "engines", MACHINE)
    assert plans.read(b"graph") is None
    assert plans.timings() == b""
    plans.keep(b"graph", Plan(b"plan", b"timings"))
    assert plans.read(b"graph") == b"plan"
    assert plans.timings() == b"timings"
    elsewhere = KeptPlans(tmp_path / "engines", MACHINE._replace(tensorrt="11.4.0"))
    assert elsewhere.read(b"graph") is None
    assert elsewhere.timings() == b""


@given(at=st.integers(0, 35), bit=st.integers(0, 7))
def test_a_damaged_plan_is_none(tmp_path_factory, at: int, bit: int) -> None:
    folder = tmp_path_factory.mktemp("engines")
    plans = KeptPlans(folder, MACHINE)
    plans.keep(b"graph", Plan(b"plan", b""))
    (path,) = folder.glob("*.plan")
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << bit
    path.write_bytes(bytes(content))
    assert plans.read(b"graph") is None
    path.write_bytes(bytes(content[:at]))
    assert plans.read(b"graph") is None


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgeError, match=r"file/engines/.* can't be written"):
        KeptPlans(tmp_path / "file" / "engines", MACHINE).keep(b"graph", Plan(b"plan", b""))
