"""Claims of speed and accuracy, each measured beside its floor and its peers in the same run."""
