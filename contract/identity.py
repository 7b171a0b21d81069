"""Names of things that last: records, logs, devices."""

from __future__ import annotations

from typing import Annotated

import uuid_utils
from pydantic import StringConstraints

RecordId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
]  # fmt: skip
"""A UUIDv7 (RFC 9562) in lower case: unique for good, sortable by the time it was made."""

DEVICE_ID = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
"""Pattern of a device's id."""

DeviceId = Annotated[str, StringConstraints(pattern=f"^{DEVICE_ID}$")]
"""The certificate's identity; safe as one level of an MQTT topic."""


def new_id() -> str:
    """A fresh UUIDv7."""
    return str(uuid_utils.uuid7())
