"""The scans that are measured with: synthetic soils in counts, as a scanner delivers them."""

from __future__ import annotations

from collections.abc import Iterator

from edge.commands import SYNTHETIC_SOILS
from firmware_bridge.emulated.virtual_bench import FULL_SCALE_COUNTS, Bench
from firmware_bridge.files.spectra_files import SpectraFile, read_spectra
from firmware_bridge.scan import Instrument, Scan
from firmware_bridge.wire.virtual_scanner import VirtualScanner

INSTRUMENT = Instrument(model="NeoSpectra", serial="BENCH-1", firmware="bench", session=1)


def soil_spectra() -> SpectraFile:
    """The spectra that come with the package."""
    return read_spectra(SYNTHETIC_SOILS, None, "reflectance", "nm")


def decoded_scans() -> Iterator[Scan]:
    """A dark and a white reference, then sample scans without end, each under a label of its own."""
    spectra = soil_spectra()
    bench = Bench(spectra, "counts", replicates=1, samples=None)

    def scan(number: int, **what: object) -> Scan:
        return Scan(
            session=INSTRUMENT.session,
            number=number,
            kind="counts",
            axis=spectra.axis,
            scan_time_ms=2000,
            temperature_c=31.5,
            battery_pct=87,
            full_scale=FULL_SCALE_COUNTS,
            **what,  # type: ignore[arg-type]
        )

    yield scan(1, role="dark", values=bench.reference("dark"))
    yield scan(2, role="white", values=bench.reference("white"))
    number = 2
    while (sample := bench.next_sample()) is not None:
        number += 1
        yield scan(number, role="sample", values=sample[1], label=f"{sample[0]}-{number}")


def unpaced_scanner(samples: int) -> VirtualScanner:
    """A virtual scanner as fast as the line takes it, quiet after ``samples``."""
    return VirtualScanner(
        soil_spectra(), baud=None, mode="counts", scan_time_ms=0, interval_s=0.0, limit=samples
    )
