"""What can run a bundle on a device: proved, timed, chosen once for an installed bundle."""
