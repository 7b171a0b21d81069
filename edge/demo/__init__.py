"""The whole line on one machine, with nothing to install beside it: `loamscan demo`."""
