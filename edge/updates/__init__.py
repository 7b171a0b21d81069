"""Bundles that a fleet's operator rolls out: fetched, proved, tried, run, and given up again."""
