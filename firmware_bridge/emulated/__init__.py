"""What instruments that are played have in common."""
