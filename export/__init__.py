"""Checkpoint to ONNX to bundle, checked on its golden spectra before it is written."""

import os

# ONNX Runtime is on its way to its maker's servers before `disable_telemetry_events` can be called.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
