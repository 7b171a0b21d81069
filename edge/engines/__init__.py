"""Engines beside ONNX Runtime: what a device may build once for an installed bundle."""
