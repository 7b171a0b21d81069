"""Checkpoint to ONNX to bundle, checked on its golden spectra before it is written."""
