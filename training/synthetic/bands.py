"""What absorption is written in: bands, lattice resonances, and the end members that have them."""

from __future__ import annotations

from typing import NamedTuple

from soil.axis import NM_PER_CM


class Band(NamedTuple):
    """A Gaussian band: centre and standard deviation in cm-1, peak strength per grain unit."""

    centre_cm1: float
    width_cm1: float
    strength: float


class Oscillator(NamedTuple):
    """A vibration of the lattice, strong enough to bend refraction: centre and damping in cm-1.

    ``strength`` is what it adds to the permittivity at low wavenumbers.
    """

    centre_cm1: float
    strength: float
    damping_cm1: float


class EndMember(NamedTuple):
    """A constituent: a grey level of absorption under its bands, and the lattice that it is of."""

    grey: float
    bands: tuple[Band, ...]
    lattice: str | None = None


def nm(centre_nm: float, width_cm1: float, strength: float) -> Band:
    """A band of the near infrared, where positions are published in nm."""
    return Band(NM_PER_CM / centre_nm, width_cm1, strength)
