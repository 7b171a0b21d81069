"""A run may end at any moment: the same command goes on, and ends in the same bits."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import safetensors.torch
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from parts import REPOSITORY
from training.checkpoint import CARD
from training.commands import INTERRUPTED, train
from training.errors import CheckpointError, UnfinishedError
from training.fitting import Descent, Schedule, generator, reproducible
from training.heads.perceptron import ScannedSoils, fit_perceptron
from training.mir_autoencoder import mir_latents, train_mir_autoencoder
from training.nir_encoder import train_nir_encoder
from training.pace import Progress
from training.scan_repeats import ScanRepeats
from training.unfinished import FOLDER, RUN, Unfinished, alone_in, forget

SCHEDULE = Schedule(epochs=9, batch=16, step=5e-2, patience=2)
SOILS = 48
BATCHES = 3 * SCHEDULE.epochs * (40 // SCHEDULE.batch + 1)
"""At most: patience may end a stage sooner."""


def silent(line: str) -> None:
    pass


def three_small_stages(unfinished: Unfinished | None = None, tell: Progress = silent) -> bytes:
    """All weights that three stages leave, two of which draw dropout from torch's own numbers."""
    rng = generator(0, 99)
    mir = torch.randn(SOILS, 2, 20, generator=rng)
    nir = torch.randn(SOILS, 2, 10, generator=rng)
    properties = 1 + torch.rand(SOILS, 9, generator=rng, dtype=torch.float64)
    learn, check = torch.arange(40), torch.arange(40, SOILS)
    with reproducible(7, unfinished=unfinished):
        both = train_mir_autoencoder(
            ScanRepeats.dense(mir), learn, check, (8,), 3, SCHEDULE, 0, tell
        )
        latent, mean = mir_latents(both.encoder, mir[:, 0]), mir.mean(dim=1)
        nir_encoder = train_nir_encoder(
            nir[learn], (slice(None),), mean[learn], latent[learn], (nir[check], mean[check], latent[check]),
            both.decoder, (8,), SCHEDULE, 0, tell,
        )  # fmt: skip
        with torch.no_grad():
            soils = ScannedSoils(nir_encoder(nir), properties.double().numpy())
        heads = fit_perceptron(soils[learn], soils[check], (8,), SCHEDULE, 0, tell, "heads")
    trained = {"mir": both, "nir": nir_encoder, "heads": heads}
    return safetensors.torch.save(
        {
            f"{who}/{name}": w
            for who, part in trained.items()
            for name, w in part.state_dict().items()
        }
    )


@pytest.fixture(scope="module")
def uninterrupted() -> bytes:
    lines: list[str] = []
    weights = three_small_stages(tell=lines.append)
    ends = [int(line.split("epoch ")[1].split("/")[0]) for line in lines]
    assert min(ends) < SCHEDULE.epochs == max(ends), "both ends of a fit are to be seen"
    return weights


def interrupted_run(patch: pytest.MonkeyPatch, folder: Path, batches: int, every_s: float) -> bool:
    """Whether a run that Ctrl-C ends after ``batches`` batches is ended by it before its end."""
    whole = Descent.batches
    left = iter(range(batches))

    def cut(descent: Descent) -> Iterator[int]:
        for size in whole(descent):
            if next(left, None) is None:
                raise KeyboardInterrupt
            yield size

    with patch.context() as patched:
        patched.setattr(Descent, "batches", cut)
        try:
            three_small_stages(Unfinished(folder, every_s))
        except KeyboardInterrupt:
            return True
    return False


@settings(max_examples=12)
@given(batches=st.integers(0, BATCHES), every_s=st.sampled_from([0.0, 1e9]))
def test_an_interrupted_run_goes_on_to_the_same_bits(
    batches, every_s, uninterrupted, tmp_path_factory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        interrupted_run(patch, folder, batches, every_s)
    assert three_small_stages(Unfinished(folder)) == uninterrupted


def test_a_run_interrupted_again_and_again_ends_in_the_same_bits(
    uninterrupted, tmp_path, monkeypatch
) -> None:
    times = 0
    while interrupted_run(monkeypatch, tmp_path, 4, 0.0):
        times += 1
        assert times < BATCHES
    assert times > 4
    assert three_small_stages(Unfinished(tmp_path)) == uninterrupted


def test_a_finished_fit_is_not_done_again(tmp_path, monkeypatch, uninterrupted) -> None:
    three_small_stages(Unfinished(tmp_path, 0.0))
    monkeypatch.setattr(Descent, "batches", lambda descent: pytest.fail("learnt again"))
    assert three_small_stages(Unfinished(tmp_path)) == uninterrupted


def test_only_what_is_named_lies_in_the_folder(tmp_path) -> None:
    unfinished = Unfinished(tmp_path, 0.0)
    three_small_stages(unfinished)
    assert len(list((tmp_path / FOLDER).iterdir())) == 1 + 3
    forget(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("harm", ["a flipped bit", "cut short", "gone"])
def test_damage_is_said_and_never_used(number, harm, tmp_path, uninterrupted) -> None:
    three_small_stages(Unfinished(tmp_path, 0.0))
    path = sorted((tmp_path / FOLDER).iterdir())[number]
    content = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
    elif harm == "cut short":
        path.write_bytes(content[:-20])
    else:
        at = content.index(b'"sha256": "') + 15 if path.name == RUN else -3
        content[at] ^= 1
        path.write_bytes(content)
    if path.name == RUN and harm == "gone":
        assert three_small_stages(Unfinished(tmp_path)) == uninterrupted
        return
    with pytest.raises(UnfinishedError) as refused:
        Unfinished(tmp_path)
    assert "--restart" in refused.value.remedy


@pytest.mark.parametrize(
    ("what", "known", "now", "said"),
    [
        ("settings", {"seed": 0, "pairs": 7}, {"seed": 1, "pairs": 7}, "seed 0, not 1"),
        ("libraries", "1a2b", "3c4d", "1a2b, not 3c4d"),
        ("device", "cuda", "cpu", "cuda, not cpu"),
    ],
)
def test_a_run_of_something_else_is_not_gone_on_with(what, known, now, said, tmp_path) -> None:
    unfinished = Unfinished(tmp_path, 0.0)
    unfinished.expect(what, known)
    three_small_stages(unfinished)
    Unfinished(tmp_path).expect(what, known)
    with pytest.raises(UnfinishedError) as refused:
        Unfinished(tmp_path).expect(what, now)
    assert what in refused.value.what
    assert said in refused.value.what
    assert "--restart" in refused.value.remedy


def test_a_fit_of_another_name_or_size_is_not_taken_up(tmp_path) -> None:
    three_small_stages(Unfinished(tmp_path, 0.0))
    with pytest.raises(UnfinishedError, match="MIR autoencoder, not heads"):
        Unfinished(tmp_path).begin("heads")
    scans = ScanRepeats.dense(torch.randn(SOILS, 2, 21))
    rows = torch.arange(SOILS)
    with (
        pytest.raises(UnfinishedError, match="another network"),
        reproducible(7, unfinished=Unfinished(tmp_path)),
    ):
        train_mir_autoencoder(scans, rows, rows, (8,), 3, SCHEDULE, 0, silent)


def test_two_runs_in_one_folder_do_not_spoil_each_other(tmp_path) -> None:
    with alone_in(tmp_path):
        ran = CliRunner().invoke(train, [*COMMAND, "--out", str(tmp_path)])
    assert isinstance(ran.exception, UnfinishedError)
    assert "another run is at work" in ran.exception.what
    with alone_in(tmp_path):
        pass


COMMAND = ["--synthetic", "--quick", "--pairs", "120", "--seed", "5", "--name", "quick-one"]
"""What `quick_folder` is made with."""


def started(out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "loamscan",
            "train",
            *COMMAND,
            "--save-every",
            "0",
            "--out",
            str(out),
        ],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_command_goes_on_to_the_same_folder(quick_folder, tmp_path) -> None:
    out = tmp_path / "made"
    for end, at, status in (
        (signal.SIGKILL, "MIR autoencoder", -signal.SIGKILL),
        (signal.SIGTERM, "NIR encoder", INTERRUPTED),
    ):
        process = started(out)
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(at) and "going on" not in line:
                process.send_signal(end)
                break
        _, rest = process.communicate(timeout=60)
        assert process.returncode == status
        assert not (out / CARD).exists()
    assert "same command" in rest
    process = started(out)
    _, lines = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "MIR autoencoder: going on" in lines
    assert {file.name for file in out.iterdir()} == {file.name for file in quick_folder.iterdir()}
    for file in quick_folder.iterdir():
        assert (out / file.name).read_bytes() == file.read_bytes()


def test_the_command_refuses_another_seed_until_told_to_restart(tmp_path, monkeypatch) -> None:
    def run(*arguments: str):
        return CliRunner().invoke(train, [*COMMAND, *arguments, "--out", str(tmp_path)])

    def cut(descent: Descent) -> Iterator[int]:
        if "heads" in str(type(descent.module)).lower():
            raise KeyboardInterrupt
        return whole(descent)

    whole = Descent.batches
    with monkeypatch.context() as patched:
        patched.setattr(Descent, "batches", cut)
        stopped = run()
    assert stopped.exit_code == INTERRUPTED
    assert "go on" in stopped.stderr
    other = run("--seed", "6")
    assert isinstance(other.exception, UnfinishedError)
    assert "seed 5, not 6" in other.exception.what
    assert run("--seed", "6", "--restart").exit_code == 0
    assert not (tmp_path / FOLDER).exists()
    again = run("--seed", "6")
    assert isinstance(again.exception, CheckpointError)
    assert "holds a finished checkpoint" in again.exception.what
