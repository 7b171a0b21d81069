"""The engine is the processor's in fp32, unless another is right and faster by more than the noise."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import pretended_gpu
from contract.bundle import Bundle
from contract.manifest import Precision
from contract.messages import FAULT_LENGTH_MAX, EngineFigures, Status
from edge.config import REFERENCE_BUNDLE, parse_config
from edge.daemon import Daemon
from edge.engines import choice as choosing
from edge.engines import kept_choice
from edge.engines.choice import FASTER, choose_engine, fastest
from edge.engines.commands import engine
from edge.engines.kept_choice import EngineChoice, read_choice, save_choice
from edge.engines.tensorrt_runtime import build_on_tensorrt, prove_on_tensorrt
from edge.errors import EdgeError, EngineError
from edge.log_file import open_log
from edge.predictor import Predictor
from edge.proof import prove


@pytest.fixture
def hasty(monkeypatch) -> None:
    for name in ("PACED_CALLS", "TIGHT_CALLS", "WARM_CALLS"):
        monkeypatch.setattr(choosing, name, 2)
    monkeypatch.setattr(choosing, "PACE_S", 0.001)


def timed(paced_p50_us: float) -> EngineFigures:
    return EngineFigures(engine="any", paced_p50_us=paced_p50_us)


def chosen(bundle: Bundle, engine_name: str = "onnxruntime/int8") -> EngineChoice:
    return EngineChoice(
        schema="loamscan.engine/1",
        bundle_sha256=bundle.sha256,
        runtime=kept_choice.runtime(),
        machine=kept_choice.machine(),
        engine=engine_name,
        candidates=[EngineFigures(engine="onnxruntime/int8", paced_p50_us=800.0)],
    )


@given(st.floats(1, 1e5), st.floats(1, 1e5))
def test_int8_is_taken_only_where_it_is_faster_by_more_than_the_noise(fp32, int8) -> None:
    found = fastest({"onnxruntime/fp32": timed(fp32), "onnxruntime/int8": timed(int8)})
    assert (found == "onnxruntime/int8") == (int8 <= FASTER * fp32)


def test_fp32_alone_is_taken() -> None:
    assert fastest({"onnxruntime/fp32": timed(900.0)}) == "onnxruntime/fp32"


def test_a_gpu_is_taken_where_it_is_faster_than_the_processor_in_any_precision() -> None:
    candidates = {
        "onnxruntime/fp32": timed(900.0),
        "onnxruntime/int8": timed(500.0),
        "tensorrt/fp16": timed(200.0),
        "tensorrt/int8": timed(210.0),
    }
    assert fastest(candidates) == "tensorrt/fp16"
    slow = {**candidates, "tensorrt/fp16": timed(800.0), "tensorrt/int8": timed(1800.0)}
    assert fastest(slow) == "onnxruntime/int8"
    a_little = {**candidates, "tensorrt/fp16": timed(495.0), "tensorrt/int8": timed(1800.0)}
    assert fastest(a_little) == "onnxruntime/int8", (
        "a GPU must beat int8 by more than the noise too"
    )


def test_every_candidate_is_proved_and_timed(
    reference_bundle: Bundle, tmp_path: Path, hasty
) -> None:
    told: list[str] = []
    found = choose_engine(reference_bundle, tmp_path, told.append, pretended_gpu.opened_without_gpu)
    by_name = {candidate.engine: candidate for candidate in found.candidates}
    assert set(by_name) == {"tensorrt", "onnxruntime/fp32", "onnxruntime/int8"}
    assert "NO_DEVICE" in by_name["tensorrt"].fault
    for name in ("onnxruntime/fp32", "onnxruntime/int8"):
        assert 0 < by_name[name].golden_error_over_tolerance <= 1
        assert by_name[name].paced_p50_us > 0
    assert told == ["probing TensorRT", "timing onnxruntime/fp32, onnxruntime/int8"]


def test_a_gpu_is_a_candidate_in_each_precision_below_fp32(
    reference_bundle: Bundle, tmp_path: Path, hasty
) -> None:
    found = choose_engine(reference_bundle, tmp_path, opened=pretended_gpu.opened)
    by_name = {candidate.engine: candidate for candidate in found.candidates}
    assert set(by_name) == {
        "onnxruntime/fp32", "onnxruntime/int8", "tensorrt/fp16", "tensorrt/int8",
    }  # fmt: skip
    for candidate in by_name.values():
        assert candidate.golden_error_over_tolerance <= 1
        assert candidate.tight_p50_us > 0


def test_a_gpu_that_is_lost_while_it_is_timed_is_no_candidate(
    reference_bundle: Bundle, tmp_path: Path, hasty, monkeypatch
) -> None:
    calls = Counter()
    call_us = choosing._call_us

    def losing(predictor: Predictor, spectrum) -> float:
        calls[predictor.engine] += 1
        if predictor.engine == "tensorrt/fp16" and calls[predictor.engine] > 2:
            predictor._pipeline._gpu._driver.lost = True
        return call_us(predictor, spectrum)

    monkeypatch.setattr(choosing, "_call_us", losing)
    found = choose_engine(reference_bundle, tmp_path, opened=pretended_gpu.opened)
    faults = {candidate.engine: candidate.fault for candidate in found.candidates}
    assert "CUDA fails" in faults.pop("tensorrt/fp16")
    assert set(faults) == {"onnxruntime/fp32", "onnxruntime/int8", "tensorrt/int8"}
    assert not any(faults.values())


def test_an_engine_that_is_wrong_is_no_candidate(
    reference_bundle: Bundle, tmp_path: Path, hasty
) -> None:
    graphs = reference_bundle.manifest.graphs
    files = {**reference_bundle.files, graphs.pipeline["int8"]: b"junk"}
    bundle = dataclasses.replace(reference_bundle, files=files)
    found = choose_engine(bundle, tmp_path, opened=pretended_gpu.opened)
    faults = {candidate.engine: candidate.fault for candidate in found.candidates}
    assert "does not load" in faults["onnxruntime/int8"]
    assert "can't read the plan" in faults["tensorrt/int8"]
    assert not faults["tensorrt/fp16"]
    assert all(len(fault or "") <= FAULT_LENGTH_MAX for fault in faults.values())
    files[graphs.pipeline["fp32"]] = b"junk"
    with pytest.raises(EngineError, match="does not load"):
        choose_engine(dataclasses.replace(bundle, files=files), tmp_path)


def test_a_choice_is_read_back_on_the_machine_that_made_it(
    reference_bundle: Bundle, tmp_path: Path, monkeypatch
) -> None:
    choice = chosen(reference_bundle)
    save_choice(tmp_path / "engines", choice)
    assert read_choice(tmp_path / "engines", reference_bundle) == choice
    other = dataclasses.replace(reference_bundle, sha256="0" * 64)
    assert read_choice(tmp_path / "engines", other) is None
    with monkeypatch.context() as patched:
        patched.setattr(kept_choice, "machine", lambda: "another")
        assert read_choice(tmp_path / "engines", reference_bundle) is None
    with monkeypatch.context() as patched:
        patched.setattr(kept_choice, "runtime", lambda: "onnxruntime 9")
        assert read_choice(tmp_path / "engines", reference_bundle) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_a_damaged_choice_is_none(reference_bundle: Bundle, tmp_path: Path, content) -> None:
    save_choice(tmp_path, chosen(reference_bundle)).write_bytes(content)
    assert read_choice(tmp_path, reference_bundle) is None


def test_a_folder_that_cannot_be_written_is_named(reference_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgeError, match="can't be written"):
        save_choice(tmp_path / "file" / "engines", chosen(reference_bundle))


def daemon(tmp_path: Path, bundle: Path = REFERENCE_BUNDLE) -> Daemon:
    text = f"""
        device = {{id = "ls-0001"}}
        scanner = {{url = "loamscan:///dev/ttyUSB0"}}
        model = {{bundle = "{bundle}", engines = "engines"}}
        log = {{directory = "log"}}
        mqtt = {{host = "127.0.0.1"}}
    """
    return Daemon(parse_config(text, tmp_path))


def first_status(serving: Daemon, folder: Path) -> Status:
    with closing(open_log(folder / "log")) as opened:
        return serving._status(opened.log)


def test_the_daemon_runs_what_was_chosen_and_says_so_in_its_status(
    reference_bundle: Bundle, tmp_path: Path
) -> None:
    choice = chosen(reference_bundle)
    save_choice(tmp_path / "engines", choice)
    serving = daemon(tmp_path)
    status = first_status(serving, tmp_path)
    assert status.engine == serving._engine.engine == "onnxruntime/int8"
    assert status.engines == choice.candidates


def test_without_a_choice_the_daemon_runs_fp32_and_says_what_to_do(tmp_path: Path, caplog) -> None:
    serving = daemon(tmp_path)
    assert serving._engine.engine == "onnxruntime/fp32"
    assert "run `loamscan engine build`" in caplog.text
    assert b"engines" not in first_status(serving, tmp_path).to_json()


def test_a_choice_that_has_become_wrong_is_not_used(
    reference_bundle: Bundle, tmp_path: Path, monkeypatch, caplog
) -> None:
    save_choice(tmp_path / "engines", chosen(reference_bundle))

    def refusing(bundle: Bundle, precision: Precision = "fp32") -> Predictor:
        if precision != "fp32":
            raise EngineError(f"{precision} does not reproduce the golden latent")
        return prove(bundle)

    monkeypatch.setattr("edge.engines.chosen.prove", refusing)
    assert daemon(tmp_path)._engine.engine == "onnxruntime/fp32"
    assert "the chosen engine is not used: int8 does not reproduce" in caplog.text


def test_the_daemon_holds_no_graph_that_it_does_not_run(
    reference_bundle: Bundle, tmp_path: Path
) -> None:
    fp32 = {name for name in reference_bundle.files if ".fp32." in name}
    int8 = {name for name in reference_bundle.files if ".int8." in name}
    held = {name for name in daemon(tmp_path)._bundle.files if name.endswith(".onnx")}
    assert held == fp32
    save_choice(tmp_path / "engines", chosen(reference_bundle))
    held = {name for name in daemon(tmp_path)._bundle.files if name.endswith(".onnx")}
    assert held == fp32 | int8


def test_another_board_is_another_machine(tmp_path: Path, monkeypatch) -> None:
    seen = []
    for board, part in (("Orin NX", "0xd42"), ("Orin Nano", "0xd42"), ("Orin NX", "0xd0b")):
        (tmp_path / "model").write_text(f"NVIDIA Jetson {board}\0")
        (tmp_path / "cpuinfo").write_text(
            f"model name : ARMv8 Processor rev 1\nCPU part : {part}\n"
        )
        monkeypatch.setattr(kept_choice, "_BOARD", tmp_path / "model")
        monkeypatch.setattr(kept_choice, "_CORES", tmp_path / "cpuinfo")
        seen.append(kept_choice.machine())
    assert len(set(seen)) == 3
    monkeypatch.setattr(kept_choice, "_BOARD", tmp_path / "none")
    monkeypatch.setattr(kept_choice, "_CORES", tmp_path / "none")
    assert "unknown" in kept_choice.machine()


def test_the_command_keeps_its_choice_and_prints_it(
    tmp_path: Path, hasty, reference_bundle, monkeypatch
) -> None:
    monkeypatch.setattr(
        "edge.engines.commands.choose_engine",
        partial(choose_engine, opened=pretended_gpu.opened_without_gpu),
    )
    command = ["build", str(REFERENCE_BUNDLE), "--into", str(tmp_path)]
    result = CliRunner().invoke(engine, command)
    assert result.exit_code == 0, result.output
    assert "<- chosen" in result.stdout
    said = json.loads(CliRunner().invoke(engine, [*command, "--json"]).stdout)
    assert read_choice(tmp_path, reference_bundle).engine == said["engine"]


def test_a_daemon_runs_plans_and_goes_on_without_them_when_the_gpu_is_lost(
    reference_bundle: Bundle, tmp_path: Path, monkeypatch, caplog
) -> None:
    folder = tmp_path / "engines"
    build_on_tensorrt(reference_bundle, "fp16", folder, lambda _: None, pretended_gpu.opened)
    save_choice(folder, chosen(reference_bundle, "tensorrt/fp16"))
    monkeypatch.setattr(
        "edge.engines.tensorrt_runtime.prove_on_tensorrt",
        partial(prove_on_tensorrt, opened=pretended_gpu.opened),
    )
    serving = daemon(tmp_path)
    assert serving._engine.engine == "tensorrt/fp16"
    spectrum = reference_bundle.array(reference_bundle.manifest.golden.reflectance)[:1]
    wanted = serving._engine.predict(spectrum).properties
    serving._engine._running._pipeline._gpu._driver.lost = True
    found = serving._engine.predict(spectrum).properties
    assert serving._engine.engine == "onnxruntime/fp32"
    assert found == pytest.approx(wanted, rel=0.05, abs=0.05)


def test_a_plan_of_before_an_update_is_not_used(
    reference_bundle: Bundle, tmp_path: Path, monkeypatch, caplog
) -> None:
    folder = tmp_path / "engines"
    build_on_tensorrt(reference_bundle, "int8", folder, lambda _: None, pretended_gpu.opened)
    save_choice(folder, chosen(reference_bundle, "tensorrt/int8"))
    monkeypatch.setattr(
        "edge.engines.tensorrt_runtime.prove_on_tensorrt",
        partial(prove_on_tensorrt, opened=pretended_gpu.opened_after_an_update),
    )
    assert daemon(tmp_path)._engine.engine == "onnxruntime/fp32"
    assert "the chosen engine is not used: there is no plan of" in caplog.text
