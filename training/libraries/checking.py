"""A library's way in: every row is looked at, and what is dropped or changed is reported."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from soil.axis import Axis
from soil.properties import HIGHEST, INDEX, LOWEST, PROPERTIES
from soil.spectrum import PERCENT_MEDIAN_MIN, REFLECTANCE_MAX
from training.errors import LibraryError
from training.libraries.gathered import Gathered
from training.libraries.library import RANGES, Library, Range, Samples, Scans, Text
from training.libraries.report import Report
from training.libraries.upright import turned_over

VALID: Final[dict[Range, tuple[float, float]]] = {
    "nir": (0.0, REFLECTANCE_MAX),
    "mir": (-1.0, 5.0),
}
"""What a value of each range can be: reflectance fraction; absorbance (bounds of ossl-imports)."""

BELOW_ZERO: Final = {"total_carbon": 0.1, "inorganic_carbon": 0.1, "organic_carbon": 0.1}
"""How far below zero the noise of a laboratory's carbon reaches, in %. Ours: the NeoSpectra library
has organic carbon down to -0.03 and, from carbonate, inorganic carbon down to -0.07."""

DARKEST: Final = PERCENT_MEDIAN_MIN / 100
"""Median reflectance fraction of the darkest soil."""

ABOVE_TOTAL: Final = 0.5
"""How far a part of carbon, or nitrogen, may lie above total carbon, in % and, of more than 5 %, as
a tenth of it: what two methods of a laboratory differ by. Ours."""

TEXTURE_SUM: Final = (95.0, 105.0)
"""Sums of clay, silt and sand, in %, that rounding explains. Ours."""

SAME: Final = 1e-4
"""Relative difference up to which two laboratory values of a sample are the same one rounded. Ours."""

_TEXTURE = [INDEX[name] for name in ("clay", "silt", "sand")]


def checked(gathered: Gathered) -> tuple[Library, Report]:
    """The library that ``gathered`` holds, and what became of the rest.

    Raises `LibraryError` where scans of one range lie on different axes, or nothing is left.
    """
    report = Report()
    report.note("columns that are not there: taken as not analysed", gathered.lacking)
    samples = _possible(_merged(gathered.samples, report), report)
    scans: dict[Range, Scans] = {}
    for which in RANGES:
        found = _sound(which, _on_one_axis(which, gathered), report)
        if found is not None and len(found):
            scans[which] = found
    if not scans:
        raise LibraryError(
            f"{gathered.name} has no usable scan", "; ".join(report.lines()) or "name its files"
        )
    return Library(
        gathered.name, gathered.licence, _matching(samples, scans, report), scans
    ), report


def _merged(parts: list[Samples], report: Report) -> Samples:
    """One row a sample; a value that differs between its rows counts as missing."""
    names = _texts([part.name for part in parts])
    properties = np.concatenate([np.empty((0, len(PROPERTIES))), *(p.properties for p in parts)])
    site, country = _texts([p.site for p in parts]), _texts([p.country for p in parts])
    named = names != ""
    report.note(
        "rows of soil data without a sample's name: dropped",
        [f"row {row + 1}" for row in np.flatnonzero(~named)],
    )
    names, properties, site, country = names[named], properties[named], site[named], country[named]
    unique, row = np.unique(names, return_inverse=True)
    lowest = np.full((len(unique), len(PROPERTIES)), np.inf)
    highest = np.full_like(lowest, -np.inf)
    np.minimum.at(lowest, row, np.where(np.isnan(properties), np.inf, properties))
    np.maximum.at(highest, row, np.where(np.isnan(properties), -np.inf, properties))
    known = lowest <= highest
    with np.errstate(invalid="ignore"):
        differs = known & (highest - lowest > SAME * np.maximum(np.abs(highest), np.abs(lowest)))
        differs |= known & np.isinf(highest - lowest) & (lowest != highest)
    for i, item in enumerate(PROPERTIES):
        report.note(
            f"samples with more than one {item.label}: taken as not analysed", unique[differs[:, i]]
        )
    merged = np.where(known & ~differs, lowest, np.nan)
    return Samples(
        unique,
        merged,
        _one_each("site", unique, row, site, report),
        _one_each("country", unique, row, country, report),
    )


def _one_each(what: str, unique: Text, row: NDArray[np.intp], given: Text, report: Report) -> Text:
    """The text given of each sample; empty for none, and where its rows disagree."""
    one = np.full(len(unique), "", dtype=given.dtype)
    disputed: set[int] = set()
    for i in np.flatnonzero(given != "").tolist():
        if one[row[i]] not in ("", given[i]):
            disputed.add(int(row[i]))
        one[row[i]] = given[i]
    rows = np.array(sorted(disputed), dtype=np.int64)
    report.note(f"samples with more than one {what}: taken as not known", unique[rows])
    one[rows] = ""
    return one


def _possible(samples: Samples, report: Report) -> Samples:
    """Without laboratory values that no soil can have."""
    values = samples.properties.copy()
    for i, item in enumerate(PROPERTIES):
        column = values[:, i]
        noise = (column < 0) & (column >= -BELOW_ZERO.get(item.name, 0.0))
        report.note(f"{item.label} just below zero: taken as zero", samples.name[noise])
        column[noise] = 0.0
        with np.errstate(invalid="ignore"):
            impossible = (column < LOWEST[i]) | (column > HIGHEST[i])
        report.note(
            f"{item.label} outside {item.lowest:g} to {item.highest:g} {item.unit}: "
            "taken as not analysed",
            [
                f"{name} ({value:g})"
                for name, value in zip(samples.name[impossible], column[impossible], strict=True)
            ],
        )
        column[impossible] = np.nan
    carbon = values[:, INDEX["total_carbon"]].copy()
    for name in ("organic_carbon", "inorganic_carbon", "total_nitrogen"):
        column = values[:, INDEX[name]]
        with np.errstate(invalid="ignore"):
            more = column > carbon + np.maximum(ABOVE_TOTAL, carbon / 10)
        label = PROPERTIES[INDEX[name]].label
        report.note(
            f"{label} above total carbon: both taken as not analysed",
            [
                f"{sample} ({part:g} of {whole:g})"
                for sample, part, whole in zip(
                    samples.name[more], column[more], carbon[more], strict=True
                )
            ],
        )
        column[more] = np.nan
        values[more, INDEX["total_carbon"]] = np.nan
    total = values[:, _TEXTURE].sum(axis=1)
    known = np.nansum(values[:, _TEXTURE], axis=1)
    with np.errstate(invalid="ignore"):
        odd = (total < TEXTURE_SUM[0]) | (known > TEXTURE_SUM[1])
    report.note(
        "clay, silt and sand that do not make 100 %: taken as not analysed",
        [f"{name} ({sum_:g})" for name, sum_ in zip(samples.name[odd], known[odd], strict=True)],
    )
    values[np.ix_(odd, _TEXTURE)] = np.nan
    return Samples(samples.name, values, samples.site, samples.country)


def _on_one_axis(which: Range, gathered: Gathered) -> Scans | None:
    parts = [scans for found, scans in gathered.scans if found == which]
    if not parts:
        return None
    axis: Axis = parts[0].axis
    for part in parts[1:]:
        if part.axis != axis:
            raise LibraryError(
                f"{which.upper()} scans lie on different axes: {axis}, and {part.axis}"
                + _first_apart(axis, part.axis),
                "import them as two libraries",
            )
    if len(parts) == 1:
        return parts[0]
    return Scans(
        axis,
        np.concatenate([part.values for part in parts]),
        _texts([part.sample for part in parts]),
        _texts([part.device for part in parts]),
        _texts([part.preparation for part in parts]),
    )


def _first_apart(one: Axis, other: Axis) -> str:
    if one.unit != other.unit or len(one) != len(other):
        return ""
    band = int(np.flatnonzero(one.values != other.values)[0])
    return f"; band {band + 1} is {one.values[band]:.9g} and {other.values[band]:.9g}"


def _sound(which: Range, scans: Scans | None, report: Report) -> Scans | None:
    """Without scans that are none, and without the second of two that are the same."""
    if scans is None:
        return None
    lowest, highest = VALID[which]
    unnamed = scans.sample == ""
    gaps = ~np.isfinite(scans.values).all(axis=1)
    with np.errstate(invalid="ignore"):
        beyond = ~gaps & ((scans.values < lowest) | (scans.values > highest)).any(axis=1)
    label = which.upper()
    report.note(
        f"{label} scans without a sample's name: dropped",
        [f"scan {row + 1}" for row in np.flatnonzero(unnamed)],
    )
    report.note(f"{label} scans with gaps: dropped", scans.sample[gaps & ~unnamed])
    report.note(
        f"{label} scans with values outside {lowest:g} to {highest:g}: dropped",
        scans.sample[beyond & ~unnamed],
    )
    dark = np.zeros(len(scans), dtype=bool)
    if which == "nir":
        dark[~gaps & ~beyond] = np.median(scans.values[~gaps & ~beyond], axis=1) < DARKEST
        report.note(
            f"NIR scans with a median below {DARKEST:g}, darker than any soil (fractions among per "
            "cent?): dropped",
            scans.sample[dark & ~unnamed],
        )
    flat = ~gaps & ~beyond & (scans.values == scans.values[:, :1]).all(axis=1)
    report.note(
        f"{label} scans that are one value throughout: dropped", scans.sample[flat & ~unnamed]
    )
    keep = ~(unnamed | gaps | beyond | dark | flat)
    _drop_copies(label, scans, keep, report)
    sound = scans if keep.all() else scans[keep]
    if turned_over(which, sound):
        kind = "reflectance" if which == "nir" else "absorbance"
        report.note(
            f"{label} scans in which the band of water points down, as if they were no {kind}: kept, "
            "but look at the kind",
            sound.sample,
        )
    return sound


def _drop_copies(label: str, scans: Scans, keep: NDArray[np.bool_], report: Report) -> None:
    """Of scans with the same values the first stays; none, where they disagree on what was scanned."""
    alike: dict[bytes, list[int]] = {}
    for row in np.flatnonzero(keep).tolist():
        # -0.0 has other bytes than 0.0 and is the same value.
        digest = hashlib.blake2b((scans.values[row] + 0.0).tobytes(), digest_size=16).digest()
        alike.setdefault(digest, []).append(row)
    copies: list[str] = []
    disputed: list[str] = []
    for rows in alike.values():
        if len(rows) == 1:
            continue
        names = dict.fromkeys(scans.sample[rows].tolist())
        if len({(scans.sample[i], scans.device[i], scans.preparation[i]) for i in rows}) == 1:
            keep[rows[1:]] = False
            copies += scans.sample[rows[1:]].tolist()
        else:
            keep[rows] = False
            disputed += [" or ".join(names)] * len(rows)
    report.note(f"{label} scans that are copies of another: dropped", copies)
    report.note(
        f"{label} scans that stand under several samples, scanners or preparations: dropped, "
        "all of them",
        disputed,
    )


def _matching(samples: Samples, scans: dict[Range, Scans], report: Report) -> Samples:
    """The samples that have a scan; those that the laboratory does not know get no value."""
    scanned = np.unique(_texts([found.sample for found in scans.values()]))
    known = np.isin(samples.name, scanned)
    if len(samples) and not known.any():
        raise LibraryError(
            f"no scan is of a sample with soil data: scans name '{scanned[0]}', soil data "
            f"'{samples.name[0]}'",
            "make the names of both files agree",
        )
    report.note("samples without a scan: dropped", samples.name[~known])
    unlabelled = scanned[~np.isin(scanned, samples.name)]
    report.note("scanned samples without soil data: kept for the first stage", unlabelled)
    kept, blank = samples[known], np.full(len(unlabelled), "", dtype=np.str_)
    return Samples(
        _texts([kept.name, unlabelled]),
        np.concatenate([kept.properties, np.full((len(unlabelled), len(PROPERTIES)), np.nan)]),
        _texts([kept.site, blank]),
        _texts([kept.country, blank]),
    )


def _texts(parts: list[Text]) -> Text:
    return np.concatenate([np.empty(0, dtype="<U1"), *parts])
