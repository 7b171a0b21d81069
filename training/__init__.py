"""The three-stage method: synthetic soils, MIR autoencoder, NIR encoder, heads, evaluation."""
