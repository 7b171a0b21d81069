"""The ways from a spectrum to nine properties, by name: the article's, and some of our own.

``MIR-`` and ``NIR-`` say what is scanned; ``SSL`` that the heads see the latent, ``NIR2MIR`` that
they see the MIR spectrum which the frozen decoder makes of a NIR latent, neither that they see the
spectrum itself; the last part is the kind of head. MIR heads learn from the MIR library, all others
from the pairs. The article's are PLSR and MLP; ridge is the cheap rival; committee, GP and ensemble
are meant as improvements. PLSR and ridge choose their treatment of a NIR spectrum by
cross-validation, the committee weighs PLSR on all of them. All but the MLP learn from the mean of a
soil's scans, as libraries hold it, the MLP from one scan at a time. What the article does not state
of this is ours.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from training.heads.kinds import HeadKind
from training.pipeline import CONVERTED, LATENT, MIR, MIR_LATENT, NIR, SCORES, TREATED


class Strategy(NamedTuple):
    """What the heads see and of which kind they are.

    ``article`` is its mean CCC there, if given; ``mir_soils_too`` says that the heads learn from
    latents of the MIR library besides those of the pairs.
    """

    view: str
    head: HeadKind | Literal["MLP"]
    article: float | None = None
    mir_soils_too: bool = False


STRATEGIES: Final[dict[str, Strategy]] = {
    "MIR-PLSR": Strategy(MIR, "PLSR", 0.82),
    "MIR-MLP": Strategy(MIR, "MLP", 0.81),
    "MIR-SSL-PLSR": Strategy(MIR_LATENT, "PLSR"),
    "MIR-SSL-MLP": Strategy(MIR_LATENT, "MLP", 0.91),
    "NIR-PLSR": Strategy(TREATED, "PLSR", 0.51),
    "NIR-MLP": Strategy(NIR, "MLP", 0.51),
    "NIR-SSL-PLSR": Strategy(LATENT, "PLSR"),
    "NIR-SSL-MLP": Strategy(LATENT, "MLP"),
    "NIR2MIR-PLSR": Strategy(CONVERTED, "PLSR"),
    "NIR2MIR-MLP": Strategy(CONVERTED, "MLP", 0.61),
    "NIR-ridge": Strategy(TREATED, "ridge"),
    "NIR-committee": Strategy(TREATED, "committee"),
    "NIR-GP": Strategy(SCORES, "GP"),
    "NIR-ensemble": Strategy(SCORES, "ensemble"),
    "NIR+MIR-SSL-MLP": Strategy(LATENT, "MLP", mir_soils_too=True),
}
"""The article gives one figure for the conversion; it stands beside the MLP here."""

MIR_STRATEGIES: Final = tuple(name for name in STRATEGIES if name.startswith("MIR"))
NIR_STRATEGIES: Final = tuple(name for name in STRATEGIES if name.startswith("NIR"))

BELIEF: Final = {"NIR-GP": 2.0, "NIR-committee": 1.0}
"""What a property is read from, in these proportions, before any pair has spoken. Ours: the two best heads
by themselves on synthetic soils of seeds 5 to 9; with PLSR in the committee's place the choice gave less."""
