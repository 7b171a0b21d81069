"""TI's NIRscan Nano, and one that is played."""
