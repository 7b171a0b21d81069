"""JSON Schemas of every contract, made from the models themselves."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from contract.acknowledgement import Acknowledgement
from contract.errors import ContractError
from contract.manifest import Manifest
from contract.messages import Event, State, Status
from contract.records import Amendment, Lost, Reading, Record, ScanRecord, Void

_MODELS: Final[dict[str, type[BaseModel]]] = {
    "scan": ScanRecord,
    "reading": Reading,
    "amendment": Amendment,
    "void": Void,
    "lost": Lost,
    "ack": Acknowledgement,
    "state": State,
    "status": Status,
    "event": Event,
    "bundle": Manifest,
}

NAMES: Final = (*_MODELS, "record")
"""What `json_schema` knows; ``record`` is any published record."""


def json_schema(name: str) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the contract ``name``, as it is serialised."""
    if name == "record":
        schema = TypeAdapter(Record).json_schema(by_alias=True)
    elif name in _MODELS:
        schema = _MODELS[name].model_json_schema(by_alias=True)
    else:
        raise ContractError(f"there is no schema {name!r}", f"choose from {', '.join(NAMES)}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:loamscan:schema:{name}:1",
        **schema,
    }
