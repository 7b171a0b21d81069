"""The commands of the device: one clear message and a non-zero exit, or what was asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from contract.identity import new_id
from contract.records import Device, Void
from edge import clock
from edge.config import REFERENCE_BUNDLE
from edge.log_file import open_log

SOILS = Path(__file__).parents[2] / "firmware_bridge" / "synthetic_soils.csv"


def loamscan(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loamscan", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )


def refused(*arguments: object) -> str:
    ran = loamscan(*arguments)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    assert ran.stderr.startswith("Error: ")
    assert "; " in ran.stderr, "a message without a remedy"
    return ran.stderr


def test_help_names_every_command_and_loads_no_room() -> None:
    code = (
        "import sys; sys.argv = ['loamscan', '--help']\n"
        "import loamscan\n"
        "try: loamscan.main()\n"
        "finally: print([m for m in ('edge', 'training', 'onnxruntime') if m in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    for command in ("demo", "run", "predict", "bundle", "scan", "simulate", "train", "export"):
        assert command in ran.stdout
    assert ran.stdout.endswith("[]\n")


def test_the_daemon_imports_nothing_of_the_laboratory() -> None:
    code = (
        "import sys, edge.daemon, edge.commands\n"
        "heavy = ('torch', 'scipy', 'sklearn', 'onnx', 'safetensors', 'training', 'export')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout == "[]\n", ran.stderr


def test_the_reference_bundle_is_sound_and_says_that_it_is_synthetic() -> None:
    found = json.loads(loamscan("bundle", "verify", REFERENCE_BUNDLE, "--json").stdout)
    assert found["golden_error_over_tolerance"] <= 1
    inspected = loamscan("bundle", "inspect", REFERENCE_BUNDLE).stdout
    assert "SYNTHETIC" in inspected
    assert "sand" in inspected
    manifest = json.loads(loamscan("bundle", "inspect", REFERENCE_BUNDLE, "--json").stdout)
    assert manifest["synthetic"] is True


def test_the_figures_in_the_documentation_are_those_of_the_bundle() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference-model.md"
    assert loamscan("bundle", "inspect", REFERENCE_BUNDLE, "--markdown").stdout == page.read_text()


def test_the_documented_reason_codes_are_those_of_the_contract() -> None:
    page = Path(__file__).parents[2] / "docs" / "reasons.md"
    assert loamscan("reasons").stdout == page.read_text()


def test_the_log_can_be_read_without_owning_it(tmp_path: Path) -> None:
    assert "no record log" in refused("log", tmp_path)
    opened = open_log(tmp_path)
    for seq in (1, 2, 3):
        opened.log.append(seq, "void", void_record(opened.log.log_id, seq))
    ran = loamscan("log", tmp_path, "--last", 2, "--json")
    assert [json.loads(line)["seq"] for line in ran.stdout.splitlines()] == [2, 3]
    opened.close()


def void_record(log_id: str, seq: int) -> bytes:
    return Void(
        schema="loamscan.void/1", kind="void", id=new_id(), log_id=log_id, seq=seq,
        device=Device(id="ls-0001"), voided_at=clock.now(), voids=new_id(), reason="a test",
    ).to_json()  # fmt: skip


def test_predict_gives_a_line_a_spectrum() -> None:
    ran = loamscan("predict", SOILS, "--kind", "reflectance", "--unit", "nm", "--json")
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [line["sample"] for line in lines] == [f"synthetic-{i:02d}" for i in range(1, 25)]
    assert all(line["model"]["synthetic"] for line in lines)


def test_predict_shows_a_table_to_people() -> None:
    ran = loamscan("predict", SOILS, "--kind", "reflectance", "--unit", "nm")
    assert "synthetic-24" in ran.stdout
    assert "90% interval" in ran.stdout
    assert all(len(line) <= 80 for line in ran.stdout.splitlines())


def test_a_changed_byte_in_a_bundle_is_refused(tmp_path: Path) -> None:
    content = bytearray(REFERENCE_BUNDLE.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "changed.loam").write_bytes(content)
    for command in (["bundle", "verify"], ["bundle", "inspect"]):
        assert "the bundle is damaged" in refused(*command, tmp_path / "changed.loam")
    assert "the bundle is damaged" in refused("predict", SOILS, "--kind", "reflectance", "--unit", "nm",
                                              "--bundle", tmp_path / "changed.loam")  # fmt: skip


def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.loam").write_text("hello")
    assert "not a bundle" in refused("bundle", "verify", tmp_path / "x.loam")


def test_a_file_that_does_not_cover_the_model_is_refused_with_the_missing_range(
    tmp_path: Path,
) -> None:
    rows = [line.split(",") for line in SOILS.read_text().splitlines()]
    short = tmp_path / "short.csv"
    short.write_text("\n".join(",".join(row[:1] + row[40:]) for row in rows))
    said = refused("predict", short, "--kind", "reflectance", "--unit", "nm")
    assert "to 2545.0 nm is missing" in said


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda cell: "nan", "'nan' is not a number"),
        (lambda cell: "", "'' is not a number"),
        (lambda cell: f"{float(cell) * 100}", "it looks like per cent"),
    ],
)
def test_values_that_are_not_what_is_declared_are_refused(tmp_path: Path, spoil, says: str) -> None:
    header, first, *_ = SOILS.read_text().splitlines()
    label, *cells = first.split(",")
    path = tmp_path / "spoilt.csv"
    path.write_text(f"{header}\n{label},{','.join(spoil(cell) for cell in cells)}\n")
    assert says in refused("predict", path, "--kind", "reflectance", "--unit", "nm")


def test_no_broker_to_listen_to_is_said() -> None:
    assert "no broker at 127.0.0.1:1" in refused("listen", "--port", 1)
