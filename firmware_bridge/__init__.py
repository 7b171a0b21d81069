"""The scanner's side of the house: drivers, framing, simulator, files of spectra."""
