"""On the device: daemon, predictor, record log, publisher (numpy and onnxruntime, nothing heavier)."""
