"""Stage 3: heads, which make properties of a spectrum, of a converted spectrum or of a latent."""
