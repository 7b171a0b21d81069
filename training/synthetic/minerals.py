"""Bands of soil minerals at published positions, and in forms that differ as the chemistry does.

Near infrared: Clark et al. 1990 and Clark 1999; Bishop et al. 2008 (phyllosilicates: Al-OH 2.20 to
2.21, AlFe-OH 2.24, Fe-OH 2.29, Mg-OH 2.31 um); Post and Noble 1993 (Al-OH of white mica from 2.193
um, rich in Al, to 2.22 um, poor in it); Gaffey 1987 (calcite 2.34, dolomite 2.32 um); Crowley 1991
(gypsum); Bishop et al. 2013 (allophane); Bishop et al. 1994 (bound water of clays at 1.41 and 1.91
um). Mid-infrared: Farmer 1974; Madejova 2003 (clays); Nguyen et al. 1991 (overtones of quartz and
carbonate in undiluted soils). Good to about 10 nm and 10 cm-1. Widths and strengths are ours, and so
are the broad bands of silicates between 1,400 and 2,400 cm-1 (overtones of the lattice) and at 3,910
and 4,000 (OH stretching with lattice modes), which stand for many that are not told apart, and those
of iron about 10,000. Fundamentals of the lattice are in `training.synthetic.lattices`.
"""

from __future__ import annotations

from typing import Final

from training.synthetic.bands import Band, EndMember, nm

MINERALS: Final[dict[str, EndMember]] = {
    "quartz": EndMember(0.04, (
        Band(2236, 40, 0.25), Band(2133, 30, 0.15), Band(1995, 28, 1.6), Band(1900, 130, 1.6),
        Band(1870, 24, 3.6), Band(1790, 22, 2.6), Band(1684, 22, 1.3), Band(1610, 25, 1.2),
        Band(1525, 30, 2.0), Band(1450, 120, 5.0),
    ), "quartz"),
    "K-feldspar": EndMember(0.06, (
        Band(2000, 60, 0.6), Band(1830, 110, 3.5), Band(1650, 80, 5.0), Band(2400, 400, 0.6),
        Band(1450, 130, 8),
    ), "feldspar"),
    "plagioclase": EndMember(0.08, (
        Band(1960, 70, 0.6), Band(1790, 110, 3.5), Band(1640, 80, 5.0), Band(2400, 400, 0.6),
        Band(1430, 130, 8),
    ), "feldspar"),
    "amphibole": EndMember(0.25, (
        Band(3672, 8, 3), Band(3655, 10, 2), Band(1450, 140, 8), nm(1400, 30, 0.15),
        nm(2315, 34, 0.40), nm(2390, 34, 0.45), Band(9500, 2200, 3.0),
    ), "dark silicate"),
    "opaque oxides": EndMember(4.0, ()),
    "kaolinite": EndMember(0.08, (
        Band(3695, 11, 32), Band(3669, 10, 10), Band(3652, 10, 12), Band(3620, 11, 32),
        Band(3560, 80, 4), Band(1930, 60, 0.7), Band(1820, 60, 3.0), Band(1655, 80, 4.5),
        Band(2300, 430, 1.0), Band(1400, 140, 8), nm(1395, 24, 0.25), nm(1414, 24, 0.32),
        nm(2162, 28, 0.42), nm(2207, 26, 0.95), nm(2312, 25, 0.10), nm(2350, 25, 0.14),
        nm(2381, 25, 0.15), Band(3910, 170, 0.50), Band(4000, 330, 0.19),
    ), "kaolin"),
    "halloysite": EndMember(0.11, (
        Band(3697, 12, 22), Band(3622, 14, 26), Band(3550, 60, 4), Band(1820, 60, 1.0),
        Band(1640, 80, 1.6), Band(1400, 140, 8), nm(1392, 40, 0.20), nm(1415, 40, 0.40),
        nm(1908, 50, 0.50), nm(2172, 36, 0.15), nm(2208, 34, 0.75), nm(2350, 40, 0.12),
        Band(3910, 170, 0.66), Band(4000, 330, 0.25),
    ), "kaolin"),
    "Al smectite": EndMember(0.09, (
        Band(3625, 28, 22), Band(3550, 90, 10), Band(3420, 120, 6), Band(1640, 35, 4),
        Band(1860, 140, 4.0), Band(2300, 430, 1.4), Band(1420, 140, 9), nm(1412, 40, 0.35),
        nm(1909, 30, 0.70), nm(2190, 75, 0.14), nm(2208, 32, 0.46), nm(2238, 34, 0.07),
        nm(2345, 50, 0.14), nm(2440, 50, 0.12), Band(3910, 170, 0.66), Band(4000, 330, 0.25),
    ), "clay"),
    "Fe smectite": EndMember(0.22, (
        Band(3567, 40, 8), Band(3420, 120, 4), Band(1640, 35, 4), Band(1420, 140, 9),
        nm(1430, 45, 0.35), nm(1911, 32, 0.70), nm(2240, 34, 0.18), nm(2287, 36, 0.28),
        nm(2400, 45, 0.15), Band(10500, 2200, 1.8), Band(3910, 170, 0.66), Band(4000, 330, 0.25),
    ), "iron clay"),
    "Mg smectite": EndMember(0.09, (
        Band(3677, 14, 5), Band(3420, 120, 4), Band(1640, 35, 4), Band(1420, 140, 9),
        nm(1391, 28, 0.30), nm(1909, 30, 0.70), nm(2312, 32, 0.40), nm(2390, 36, 0.25),
        Band(3910, 170, 0.66), Band(4000, 330, 0.25),
    ), "clay"),
    "Al illite": EndMember(0.09, (
        Band(3625, 30, 20), Band(3550, 90, 6), Band(1860, 140, 4.0), Band(1655, 80, 5.0),
        Band(2300, 430, 1.2), Band(1420, 140, 9), nm(1409, 42, 0.18), nm(2198, 32, 0.50),
        nm(2345, 38, 0.24), nm(2180, 75, 0.12), nm(2436, 34, 0.13), Band(3910, 170, 0.66),
        Band(4000, 330, 0.25),
    ), "clay"),
    "Mg illite": EndMember(0.13, (
        Band(3605, 40, 16), Band(3540, 90, 6), Band(1860, 140, 4.0), Band(1655, 80, 5.0),
        Band(2300, 430, 1.2), Band(1420, 140, 9), nm(1416, 46, 0.18), nm(2217, 38, 0.32),
        nm(2352, 40, 0.24), nm(2190, 75, 0.12), nm(2445, 36, 0.12), Band(9500, 2200, 0.8),
        Band(3910, 170, 0.66), Band(4000, 330, 0.25),
    ), "iron clay"),
    "vermiculite": EndMember(0.20, (
        Band(3620, 40, 3), Band(3400, 140, 5), Band(1650, 35, 3), Band(1420, 140, 9),
        nm(1390, 45, 0.10), nm(1410, 45, 0.15), nm(1912, 45, 0.80), nm(2205, 45, 0.08),
        nm(2320, 45, 0.20), nm(2385, 40, 0.12), Band(9800, 2200, 1.2), Band(3910, 170, 0.50),
        Band(4000, 330, 0.19),
    ), "iron clay"),
    "Mg chlorite": EndMember(0.13, (
        Band(3570, 40, 6), Band(3430, 60, 5), Band(1420, 140, 9), nm(1395, 34, 0.25),
        nm(2250, 34, 0.22), nm(2327, 36, 0.35), nm(2385, 40, 0.12),
    ), "clay"),
    "Fe chlorite": EndMember(0.28, (
        Band(3550, 45, 6), Band(3400, 65, 5), Band(1420, 140, 9), nm(1410, 40, 0.22),
        nm(2261, 38, 0.22), nm(2355, 40, 0.35), Band(9300, 2200, 2.2),
    ), "iron clay"),
    "gibbsite": EndMember(0.06, (
        Band(3620, 10, 15), Band(3527, 22, 14), Band(3450, 28, 10), Band(3390, 25, 6),
        Band(1020, 22, 15), Band(970, 16, 8), Band(800, 18, 6), Band(745, 16, 5),
        nm(1450, 70, 0.50), nm(1520, 70, 0.15), nm(2268, 42, 0.90), nm(2357, 45, 0.25),
    ), "oxide"),
    "allophane": EndMember(0.08, (
        Band(3450, 220, 9), Band(1640, 40, 4), Band(1400, 140, 8), nm(1382, 50, 0.25),
        nm(1415, 90, 0.40), nm(1925, 70, 1.10), nm(2193, 55, 0.45), Band(3910, 170, 0.80),
        Band(4000, 330, 0.31),
    ), "clay"),
    "goethite": EndMember(0.20, (
        Band(3140, 120, 8), Band(895, 14, 12), Band(795, 14, 12), Band(10900, 2300, 12),
    ), "oxide"),
    "hematite": EndMember(0.25, (Band(11500, 2300, 14),), "oxide"),
    "ferrihydrite": EndMember(0.30, (
        Band(3400, 200, 6), Band(1630, 40, 2), nm(1930, 80, 0.8), Band(10500, 2500, 10),
    ), "oxide"),
    "calcite": EndMember(0.05, (
        Band(2980, 22, 1.2), Band(2875, 22, 1.2), Band(2590, 25, 0.8), Band(2515, 25, 5),
        Band(2140, 20, 0.4), Band(1795, 8, 4), nm(1876, 45, 0.05), nm(1996, 55, 0.08),
        nm(2158, 50, 0.05), nm(2341, 38, 0.22), Band(3950, 60, 0.8),
    ), "calcite"),
    "dolomite": EndMember(0.06, (
        Band(3020, 22, 1.2), Band(2895, 22, 1.2), Band(2627, 25, 0.8), Band(2530, 25, 5),
        Band(1818, 9, 3), nm(1855, 45, 0.05), nm(1979, 55, 0.08), nm(2140, 50, 0.05),
        nm(2319, 40, 0.22), Band(3990, 60, 0.8),
    ), "dolomite"),
    "gypsum": EndMember(0.03, (
        Band(3545, 25, 20), Band(3405, 35, 20), Band(3245, 30, 6), Band(2240, 35, 3),
        Band(2120, 35, 3), Band(1685, 12, 12), Band(1620, 12, 15), Band(1140, 30, 60),
        Band(670, 12, 20), nm(1446, 40, 1.2), nm(1490, 40, 0.9), nm(1538, 45, 0.7),
        nm(1750, 40, 0.5), nm(1944, 60, 3.0), nm(2178, 40, 0.6), nm(2215, 40, 0.8),
        nm(2268, 40, 0.4), Band(4080, 100, 1.5), Band(3600, 300, 2.0),
    )),
}  # fmt: skip
"""Minerals by name; strengths per grain unit of `training.synthetic.optics`."""
