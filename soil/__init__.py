"""Ground floor: axis, spectrum, the nine soil properties, texture and metrics (numpy only)."""
