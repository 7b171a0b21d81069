"""One look for all figures, and their one byte form: SVG with its letters as outlines, undated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from soil.properties import SoilProperty
from training.evaluation.readings import Floats

BLUE, VERMILION, GREEN, ORANGE = "#0072b2", "#d55e00", "#009e73", "#e69f00"
GREY, BLACK = "#8c8c8c", "#222222"
"""Told apart by colour-blind readers (Okabe and Ito 2008)."""

_STYLE: Final[dict[str, Any]] = {
    "svg.hashsalt": "loamscan",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": BLACK,
    "axes.linewidth": 0.7,
    "legend.frameon": False,
}

_TICKS: Final = (0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
_TICKS_APART: Final = 0.11
"""Share of the axis below which two labels would touch."""

POINTS_MAX: Final = 1500
"""Above, points are counted in hexagons: more of them hide each other."""

WIDTH_IN: Final = 10.0


class Drawn(NamedTuple):
    """A figure: its SVG, and what it shows in words for those who don't see it."""

    svg: bytes
    alt: str


def drawn(draw: Callable[[Figure], str], height_in: float) -> Drawn:
    """What ``draw`` puts on a figure and says of it; the same drawing gives the same bytes."""
    with _style():
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        alt = draw(figure)
        out = BytesIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(out, format="svg", dpi=150, metadata=nothing)
    # Without the prologue, which names a document type on another machine.
    return Drawn(out.getvalue()[out.getvalue().index(b"<svg") :], alt)


def cloud(axes: Axes, x: Floats, y: Floats) -> None:
    """Points ``[m]``, or their density where they are many."""
    if len(x) <= POINTS_MAX:
        axes.plot(
            x, y, "o", color=BLUE, alpha=0.4, markersize=3.2, markeredgewidth=0, rasterized=True
        )
    else:
        axes.hexbin(
            x, y, gridsize=45, mincnt=1, bins="log", cmap="Blues", linewidths=0, vmin=0.35,
            rasterized=True,
        )  # fmt: skip


def log_ticks(axis: Any, item: SoilProperty, low: float, high: float) -> None:
    """Ticks of ``axis``, which is on ``item``'s model scale, labelled in its unit."""
    if not item.skewed:
        return
    at = item.to_model_scale(np.array(_TICKS, dtype=float))
    kept: list[int] = []
    for i, position in enumerate(at):
        far = not kept or position - at[kept[-1]] >= _TICKS_APART * (high - low)
        if low <= position <= high and far:
            kept.append(i)
    axis.set_ticks(at[kept], [f"{_TICKS[i]:g}" for i in kept])


@contextmanager
def _style() -> Iterator[None]:
    """Our own style on matplotlib's defaults, whatever the user's configuration says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield
