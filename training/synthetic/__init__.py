"""Soils made from composition: minerals, organic matter and water, seen by simulated instruments."""
