from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from soil.properties import by_name
from training.evaluation.drawing import POINTS_MAX, cloud, drawn, log_ticks


def draw_line(figure: Figure) -> str:
    figure.subplots().plot([1, 2, 3], [3, 1, 2])
    return "a line"


def test_a_drawing_has_one_byte_form() -> None:
    assert drawn(draw_line, 3) == drawn(draw_line, 3)
    assert drawn(draw_line, 3).alt == "a line"


def test_what_a_user_set_for_matplotlib_changes_nothing_and_stays_set() -> None:
    ours = drawn(draw_line, 3)
    with mpl.rc_context({"lines.linewidth": 9.0, "axes.grid": True}):
        assert drawn(draw_line, 3) == ours
        assert mpl.rcParams["lines.linewidth"] == 9.0


def test_a_drawing_names_no_day_and_no_other_machine() -> None:
    svg = drawn(draw_line, 3).svg
    assert svg.startswith(b"<svg")
    assert b"<metadata" not in svg
    assert b"DOCTYPE" not in svg


@pytest.mark.parametrize(
    ("points", "kind"), [(POINTS_MAX, "lines"), (POINTS_MAX + 1, "collections")]
)
def test_many_points_are_counted_in_hexagons(points: int, kind: str) -> None:
    axes = Figure().subplots()
    cloud(axes, *np.random.default_rng(0).normal(size=(2, points)))
    assert len(getattr(axes, kind)) == 1
    assert len(axes.lines) + len(axes.collections) == 1


@pytest.mark.parametrize("high", [0.15, 3.0, 60.0])
def test_labels_of_a_skewed_property_are_in_its_unit_and_apart(high: float) -> None:
    axes, item = Figure().subplots(), by_name("organic_carbon")
    top = float(np.log1p(high))
    log_ticks(axes.xaxis, item, 0.0, top)
    at, labels = axes.get_xticks(), [label.get_text() for label in axes.get_xticklabels()]
    assert np.allclose(np.expm1(at), [float(label) for label in labels])
    assert len(at) >= 2
    assert np.diff(at).min() > 0.1 * top
