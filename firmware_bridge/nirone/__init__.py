"""Spectral Engines' NIRONE sensors, and one that is played."""
