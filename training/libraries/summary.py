"""A library in a few figures."""

from __future__ import annotations

from typing import Any

import numpy as np

from soil.properties import PROPERTIES
from training.libraries.library import Library, Text


def summary(library: Library) -> dict[str, Any]:
    """Counts of samples, sites, countries and scans, and the laboratory's quantiles."""
    known = library.samples.properties
    return {
        "name": library.name,
        "licence": library.licence,
        "samples": len(library.samples),
        "sites": _distinct(library.samples.site),
        "countries": _distinct(library.samples.country),
        "scans": {
            which: {
                "scans": len(scans),
                "samples": _distinct(scans.sample),
                "devices": _distinct(scans.device),
                "preparations": _counts(scans.preparation),
                "axis": str(scans.axis),
            }
            for which, scans in library.scans.items()
        },
        "paired_samples": _paired(library),
        "properties": {
            item.name: {
                "analysed": int(np.isfinite(known[:, i]).sum()),
                **_quantiles(known[np.isfinite(known[:, i]), i]),
            }
            for i, item in enumerate(PROPERTIES)
        },
    }


def summary_lines(library: Library) -> list[str]:
    """The same for people."""
    found = summary(library)
    lines = [
        f"{library.name} ({library.licence})",
        f"{found['samples']} samples, {found['sites']} sites, {found['countries']} countries, "
        f"{found['paired_samples']} samples with both NIR and MIR",
    ]
    lines += [
        f"{which.upper()}: {part['scans']} scans of {part['samples']} samples, "
        f"{part['devices']} devices, {part['axis']}"
        + "".join(f"; {count} {name}" for name, count in part["preparations"].items())
        for which, part in found["scans"].items()
    ]
    lines.append(f"{'':<18}{'unit':>9}{'analysed':>10}{'lowest':>9}{'median':>9}{'highest':>9}")
    for item in PROPERTIES:
        row = found["properties"][item.name]
        figures = "".join(
            f"{row[name]:>9.{item.decimals}f}" if name in row else f"{'-':>9}"
            for name in ("lowest", "median", "highest")
        )
        lines.append(f"{item.label:<18}{item.unit:>9}{row['analysed']:>10}{figures}")
    return lines


def _distinct(names: Text) -> int:
    return len(np.unique(names[names != ""]))


def _counts(names: Text) -> dict[str, int]:
    found, counts = np.unique(names[names != ""], return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _paired(library: Library) -> int:
    if len(library.scans) < 2:
        return 0
    nir, mir = (np.unique(library.scans[which].sample) for which in ("nir", "mir"))
    return len(np.intersect1d(nir, mir))


def _quantiles(values: Any) -> dict[str, float]:
    if not len(values):
        return {}
    lowest, median, highest = np.quantile(values, [0, 0.5, 1])
    return {"lowest": float(lowest), "median": float(median), "highest": float(highest)}
