"""Spectral libraries that others made: read, checked, brought into one form, split without leaks."""
