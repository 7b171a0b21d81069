"""Long work says where it is, now and then, and when it is over."""

from __future__ import annotations

from training.pace import LINE_EVERY_S, Pace


def test_lines_come_every_few_seconds_with_speed_and_time_left() -> None:
    now_s, lines = 0.0, []
    pace = Pace("MIR autoencoder", 1000, 4, lines.append, clock=lambda: now_s)
    for batch in range(1, 41):
        now_s += 1.0
        epoch = (batch - 1) // 10 + 1
        pace.learnt(100, epoch, 0.25, 4000 - 100 * batch)
    assert len(lines) == 40 / LINE_EVERY_S
    assert lines[1] == (
        "MIR autoencoder: epoch 1/4, validation 0.2500, 100 spectra/s, at most 30 s left"
    )
    pace.ended(4, 0.125)
    assert lines[-1] == (
        "MIR autoencoder: done after epoch 4/4, with validation 0.1250, 100 spectra/s"
    )


def test_quick_work_is_one_line_and_what_was_done_before_has_no_speed() -> None:
    lines: list[str] = []
    pace = Pace("heads", 10, 2, lines.append, clock=lambda: 3.0)
    pace.learnt(10, 1, 0.5, 10)
    pace.ended(2, 0.5)
    assert lines == ["heads: done after epoch 2/2, with validation 0.5000"]


def test_long_times_are_said_in_minutes_and_hours() -> None:
    now_s, lines = 0.0, []
    pace = Pace("x", 100, 9, lines.append, clock=lambda: now_s)
    for left in (600, 60_000):
        now_s += 10.0
        pace.learnt(10, 1, 0.5, left)
    assert lines[0].endswith("at most 10 min left")
    assert lines[1].endswith("at most 16.7 h left")


def test_before_the_first_validation_none_is_said() -> None:
    now_s, lines = 0.0, []
    pace = Pace("x", 100, 9, lines.append, clock=lambda: now_s)
    now_s = 10.0
    pace.learnt(10, 1, float("inf"), 90)
    assert lines == ["x: epoch 1/9, 1 spectra/s, at most 90 s left"]
