"""The kinds of landscape that synthetic soils come from. All figures are ours: plausible, not fitted."""

from __future__ import annotations

from typing import Final, NamedTuple


class Province(NamedTuple):
    """Averages about which the sites of one landscape scatter.

    ``clay_pct`` and ``silt_pct`` are of the carbonate-free fine earth; ``minerals`` are the shares
    of kaolin, smectite, illite, chlorite, gibbsite and allophane in its clay; ``iron`` is the share
    of iron oxides in the clay and ``hematite`` the share of hematite in those; ``dark`` is the share
    of dark minerals (amphibole and opaque oxides) in silt and sand; ``carbonate_share`` is the
    share of sites with carbonate and ``carbonate_pct`` their median, ``gypsum_share`` the share of
    sites with gypsum.
    """

    clay_pct: float
    silt_pct: float
    minerals: tuple[float, float, float, float, float, float]
    feldspar: float
    iron: float
    hematite: float
    dark: float
    carbonate_share: float
    carbonate_pct: float
    gypsum_share: float
    organic_carbon_pct: float
    humified: float
    c_to_n: float
    base_saturation: float


PROVINCES: Final[dict[str, Province]] = {
    "loess plain": Province(
        20, 62, (0.10, 0.25, 0.50, 0.135, 0.01, 0.005), 0.20, 0.06, 0.1, 0.02, 0.35, 5.0, 0.01,
        1.0, 0.6, 10.5, 0.80,
    ),
    "glacial till": Province(
        18, 35, (0.10, 0.10, 0.55, 0.235, 0.01, 0.005), 0.35, 0.05, 0.1, 0.05, 0.25, 6.0, 0.01,
        1.4, 0.5, 12.0, 0.60,
    ),
    "tropical upland": Province(
        45, 18, (0.70, 0.03, 0.08, 0.015, 0.17, 0.005), 0.03, 0.16, 0.5, 0.04, 0.00, 0.0, 0.00,
        1.2, 0.7, 13.0, 0.30,
    ),
    "vertic plain": Province(
        52, 28, (0.12, 0.68, 0.16, 0.025, 0.01, 0.005), 0.15, 0.06, 0.2, 0.03, 0.45, 4.0, 0.08,
        0.9, 0.7, 12.5, 0.95,
    ),
    "dry calcareous": Province(
        22, 40, (0.15, 0.25, 0.48, 0.105, 0.01, 0.005), 0.20, 0.05, 0.3, 0.03, 0.90, 15.0, 0.12,
        0.5, 0.6, 10.0, 0.98,
    ),
    "sandy podzol": Province(
        5, 12, (0.25, 0.15, 0.45, 0.125, 0.02, 0.005), 0.20, 0.05, 0.1, 0.02, 0.00, 0.0, 0.00,
        1.2, 0.4, 19.0, 0.20,
    ),
    "wet lowland": Province(
        28, 45, (0.15, 0.25, 0.48, 0.105, 0.01, 0.005), 0.20, 0.04, 0.1, 0.02, 0.15, 3.0, 0.01,
        5.0, 0.5, 14.5, 0.60,
    ),
    "volcanic slope": Province(
        20, 40, (0.25, 0.12, 0.08, 0.05, 0.05, 0.45), 0.45, 0.10, 0.1, 0.15, 0.02, 2.0, 0.00,
        2.5, 0.7, 12.5, 0.45,
    ),
}  # fmt: skip
