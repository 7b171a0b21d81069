"""Spectra in files: vendors' exports, and a folder of them as a scanner."""
