"""The operator's guide, command by command as it stands there, in an empty folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from edge.demo.broker import free_port
from parts import REPOSITORY, need, part

GUIDE = REPOSITORY / "docs" / "fleet.md"


def commands() -> list[str]:
    """The guide's blocks of commands, with ports of our own."""
    text = GUIDE.read_text(encoding="utf-8")
    for port in ("8080", "18830"):
        text = text.replace(port, str(free_port()))
    return re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_every_command_of_the_guide_does_what_it_says(tmp_path: Path) -> None:
    need("mosquitto")
    part("torch")
    said = "\necho --- >&1\n".join(commands())
    script = f"set -euo pipefail\ntrap 'kill $(jobs -p)' EXIT\n{said}"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env={**os.environ, "PATH": path, "clone": str(REPOSITORY)},
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    out = done.stdout
    assert "is not for this device: not in the share" in out
    runs = re.findall(r"^runs +(.*)$", out, re.MULTILINE)
    assert runs == [
        "reference-neospectra 1.0.0 (the configured bundle)",
        "reference-neospectra 1.1.0 (slot a)",
        "reference-neospectra 1.1.0 (slot a)",
        "reference-neospectra 1.0.0 (the configured bundle)",
        "reference-neospectra 1.2.0 (slot a)",
        "reference-neospectra 1.2.0 (slot a)",
    ]
    assert "1 of 1 devices run reference-neospectra 1.1.0" in out
    assert "scanner VIRTUAL-1" in out
    assert out.count("reference-neospectra-1-1-0-1: halted") == 2
    state = json.loads((tmp_path / "device" / "updates" / "state.json").read_text())
    assert state["standing"]["step"] == "committed"
    assert state["standing"]["version"] == "1.2.0"
