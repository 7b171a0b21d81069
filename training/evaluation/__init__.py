"""How good a model is on a test set: figures with intervals, the report, and the card's figures."""
