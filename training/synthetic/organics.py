"""Bands of organic matter and of water at published positions.

Near infrared: Workman and Weyer 2007 and Elvidge 1990 (CH at 1.73 and 1.76, 2.31 and 2.35 um;
aromatic CH at 1.68, lignin at 2.14 and 2.27; cellulose at 1.49, 1.54, 2.10, 2.27, 2.34 and 2.49;
amide at 1.51, 2.05 and 2.18), Stenberg et al. 2010 (soil). Mid-infrared: Parikh et al. 2014 and
Tinti et al. 2015 (CH2 2,920 and 2,850; C=O 1,735 of esters and 1,715 of acids; COO- 1,590 and 1,390;
amide 1,650 and 1,540; aromatic 1,510 and 1,610 cm-1). Water: Bishop et al. 1994 (bound 1.41 and 1.91,
adsorbed 1.46 and 1.97 um). Good to about 10 nm and 10 cm-1; widths and strengths are ours, the
wings of the visible absorption too.
"""

from __future__ import annotations

from typing import Final

from training.synthetic.bands import Band, EndMember, nm

ORGANICS: Final[dict[str, EndMember]] = {
    "cellulose": EndMember(0.10, (
        Band(3340, 150, 14), Band(2900, 35, 5), Band(1640, 40, 3), Band(1430, 25, 4),
        Band(1370, 25, 5), Band(1160, 20, 14), Band(1105, 25, 16), Band(1050, 35, 22),
        nm(1490, 180, 0.60), nm(1540, 140, 0.30), nm(1780, 60, 0.15), nm(1820, 50, 0.12),
        nm(2100, 100, 1.10), nm(2270, 50, 0.40), nm(2336, 45, 0.40), nm(2488, 60, 0.60),
        Band(3900, 190, 1.0),
    )),
    "lignin": EndMember(0.30, (
        Band(3400, 170, 9), Band(2940, 30, 5), Band(2845, 20, 2.5), Band(1605, 25, 10),
        Band(1510, 12, 10), Band(1460, 16, 7), Band(1422, 14, 5), Band(1270, 25, 8),
        Band(1225, 25, 8), Band(1125, 25, 9), Band(1032, 20, 6), nm(1420, 150, 0.50),
        nm(1680, 50, 0.22), nm(1725, 60, 0.12), nm(2140, 80, 0.60), nm(2270, 60, 0.40),
        nm(2330, 60, 0.30), Band(14000, 3500, 12), Band(3900, 190, 0.8),
    )),
    "protein": EndMember(0.15, (
        Band(3290, 90, 14), Band(3070, 40, 3), Band(2940, 30, 4), Band(1650, 24, 22),
        Band(1540, 22, 14), Band(1450, 22, 5), Band(1395, 25, 4), Band(1240, 25, 5),
        nm(1510, 130, 0.50), nm(1575, 100, 0.20), nm(1690, 60, 0.12), nm(1735, 55, 0.15),
        nm(2050, 70, 0.70), nm(2180, 60, 0.65), nm(2290, 50, 0.35), nm(2350, 50, 0.25),
        nm(2470, 60, 0.40), Band(3900, 190, 0.8),
    )),
    "wax": EndMember(0.05, (
        Band(2955, 10, 6), Band(2920, 13, 32), Band(2851, 10, 22), Band(1735, 14, 10),
        Band(1465, 10, 8), Band(1170, 25, 5), Band(720, 8, 4), nm(1393, 90, 0.20),
        nm(1415, 80, 0.15), nm(1727, 45, 0.75), nm(1764, 45, 0.55), nm(2310, 30, 1.10),
        nm(2350, 28, 0.80), nm(2388, 35, 0.35),
    )),
    "humic acid": EndMember(0.50, (
        Band(3350, 250, 8), Band(2960, 18, 3), Band(2920, 20, 5), Band(2885, 25, 3),
        Band(2851, 16, 2.5), Band(2600, 220, 3), Band(1715, 30, 14), Band(1615, 35, 10),
        Band(1400, 45, 5), Band(1225, 45, 10), nm(1440, 260, 0.40), nm(1690, 70, 0.06),
        nm(1910, 120, 0.25), nm(2120, 100, 0.80), nm(2275, 80, 0.20), nm(2320, 60, 0.20),
        Band(14000, 4000, 14), Band(3900, 190, 0.8),
    )),
    "humate": EndMember(0.50, (
        Band(3350, 230, 8), Band(2960, 18, 3), Band(2920, 20, 5), Band(2885, 25, 3),
        Band(2851, 16, 2.5), Band(1590, 35, 18), Band(1390, 35, 13), Band(1110, 60, 5),
        nm(1450, 260, 0.40), nm(1690, 70, 0.06), nm(2105, 100, 0.80), nm(2310, 70, 0.25),
        Band(14000, 5200, 14), Band(3900, 190, 0.8),
    )),
    "char": EndMember(9.0, (
        Band(3050, 30, 1.0), Band(1590, 40, 8), Band(1250, 90, 6), Band(870, 20, 2),
        Band(810, 20, 2), Band(750, 20, 2), Band(14000, 6000, 10),
    )),
}  # fmt: skip

WATERS: Final[dict[str, EndMember]] = {
    "interlayer water": EndMember(0.0, (
        Band(3570, 60, 90), Band(3420, 130, 220), Band(3230, 110, 140), Band(2950, 250, 50),
        Band(1632, 28, 70), Band(2130, 180, 8), Band(7090, 70, 2.0), Band(6880, 140, 1.0),
        Band(6850, 450, 2.0), Band(5236, 29, 10.0), Band(5150, 75, 6.0), Band(5010, 100, 1.4),
        Band(3910, 170, 3.5), Band(4000, 330, 2),
    )),
    "surface water": EndMember(0.0, (
        Band(3550, 70, 90), Band(3420, 120, 200), Band(3230, 130, 170), Band(2950, 250, 60),
        Band(1645, 45, 95), Band(2130, 180, 8), Band(7050, 90, 1.0), Band(6850, 160, 1.6),
        Band(6750, 700, 4.0), Band(5212, 36, 4.5), Band(5130, 80, 7.0), Band(4990, 110, 2.6),
        Band(3910, 170, 4), Band(4000, 330, 2.5),
    )),
    "liquid water": EndMember(0.0, (
        Band(3400, 150, 250), Band(3220, 140, 150), Band(1640, 35, 70), Band(2130, 150, 8),
        Band(6900, 170, 4), Band(5170, 85, 12), Band(3600, 350, 25),
    )),
}  # fmt: skip
