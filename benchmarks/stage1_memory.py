"""A process that sets out on stage 1 on the library in the file it is given, and prints its peak memory."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

from benchmarks.process_figures import peak_memory_mb
from benchmarks.stage1 import autoencoder, batches, descent, mapped_library
from training.device import placed
from training.fitting import reproducible

_BATCHES = 50


def main() -> None:
    """Standardise, which reads every spectrum; learn from some batches; validate; save the state."""
    both = autoencoder()
    with reproducible(0), placed(both):
        ours = descent(both, mapped_library(Path(sys.argv[1])))
        for _ in islice(batches(ours), _BATCHES):
            pass
        ours.check()
        ours.state()
    print(peak_memory_mb())


if __name__ == "__main__":
    main()
