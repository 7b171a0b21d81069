"""What can run a bundle on a device: proved, timed, chosen once for an installed bundle."""

import os

# ONNX Runtime is on its way to its maker's servers before `disable_telemetry_events` can be called.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
