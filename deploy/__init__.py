"""Off the device: service files and broker configuration; later fleet repository and collector."""
