"""The daemon's configuration: one TOML file, one class a section, no key that is not known."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

from contract.identity import DeviceId
from contract.rollout import Channel
from edge.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REFERENCE_BUNDLE = Path(__file__).parent / "bundles" / "reference-neospectra-1.0.0.loam"
"""The bundle that comes with the package; trained on synthetic soils."""


def _beside_config(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder", Path())
    try:
        return Path(folder) / path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path} is in the home of nobody known") from error


ConfigPath = Annotated[Path, AfterValidator(_beside_config)]
"""A path; a relative one counts from the configuration file's folder."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeviceSection(_Section):
    """Who this device is."""

    id: DeviceId
    site: str = Field(default="", max_length=64)


def _url_beside_config(url: str, info: ValidationInfo) -> str:
    scheme, _, rest = url.partition(":")
    path = rest.partition("?")[0]
    if scheme not in ("folder", "replay") or path.startswith("/") or not path:
        return url
    return f"{scheme}:{_beside_config(Path(path), info).absolute()}{rest[len(path) :]}"


class ScannerSection(_Section):
    """Which scanner to use. A relative path in its URL counts from the configuration file's folder."""

    url: Annotated[str, AfterValidator(_url_beside_config)]


class SampleSection(_Section):
    """What a sample is, unless somebody says otherwise."""

    replicates: int = Field(default=3, ge=1, le=100)
    timeout_s: float = Field(default=120.0, gt=0)
    field: str = Field(default="", max_length=64)
    operator: str = Field(default="", max_length=64)
    preparation: Literal["field-moist", "air-dry", "dry-2mm", "ground", "unknown"] = "unknown"


class ModelSection(_Section):
    """Which bundle predicts, and whether rejected readings keep their numbers.

    ``engines`` is the folder of what `loamscan engine build` chose.
    """

    bundle: ConfigPath = REFERENCE_BUNDLE
    engines: ConfigPath | None = None
    include_rejected: bool = False


class ReferenceSection(_Section):
    """How long a white reference may serve (counts only)."""

    max_age_s: float = Field(default=1800.0, gt=0)


class LogSection(_Section):
    """Where records are kept."""

    directory: ConfigPath


class TlsSection(_Section):
    """Certificates, as PEM files."""

    ca_file: ConfigPath
    cert_file: ConfigPath | None = None
    key_file: ConfigPath | None = None


class MqttSection(_Section):
    """The farm's broker. ``confirm`` says whose word ends a delivery: see docs/mqtt.md."""

    host: str = Field(min_length=1)
    port: int = Field(default=1883, ge=1, le=65535)
    username: str | None = None
    password_file: ConfigPath | None = None
    tls: TlsSection | None = None
    keepalive_s: int = Field(default=30, ge=5, le=3600)
    window: int = Field(default=32, ge=1, le=1000)
    confirm: Literal["collector", "broker"] = "collector"
    resend_after_s: float = Field(default=30.0, gt=0)


class UpdatesSection(_Section):
    """Where bundles come from, and how long they are tried. See docs/updates.md.

    ``root`` is the fleet's first root, which the device was provisioned with. A trial waits for
    ``trial_scans`` live scans, but no longer than ``trial_looks`` runs of the updater.
    """

    directory: ConfigPath
    root: ConfigPath
    url: str | None = None
    channel: Channel = "stable"
    device_class: str = Field(default="", max_length=64)
    trial_scans: int = Field(default=5, ge=0, le=1000)
    trial_looks: int = Field(default=24, ge=0)
    probation_s: float = Field(default=3600.0, ge=0)


class Config(_Section):
    """The whole file."""

    device: DeviceSection
    scanner: ScannerSection
    sample: SampleSection = SampleSection()
    model: ModelSection = ModelSection()
    reference: ReferenceSection = ReferenceSection()
    log: LogSection
    mqtt: MqttSection
    updates: UpdatesSection | None = None


def parse_config(text: str, folder: Path, name: str = "configuration") -> Config:
    """Read TOML ``text``; raises `ConfigError` naming ``name``, the key, and the likely remedy."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not TOML: {error}", "mend the line it names") from error
    try:
        return Config.model_validate(content, context={"folder": folder})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise ConfigError(f"{name}: {_say(fault)}", _remedy(fault)) from error


def load_config(path: Path) -> Config:
    """Read the file at ``path``; raises `ConfigError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path} can't be read: {error.strerror}", "name the configuration file with --config"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text", "name a TOML file") from error
    return parse_config(text, path.parent.resolve(), str(path))


def updates_of(config: Config) -> UpdatesSection:
    """The section [updates]; raises `ConfigError` where there is none."""
    if config.updates is None:
        raise ConfigError("the configuration has no section [updates]", "see docs/configuration.md")
    return config.updates


def _say(fault: Any) -> str:
    *section, key = (str(part) for part in fault["loc"]) if fault["loc"] else ("",)
    where = f"[{'.'.join(section)}] " if section else ""
    if fault["type"] == "extra_forbidden":
        return f"{where}has an unknown key {key!r}" if where else f"unknown key {key!r}"
    if fault["type"] == "missing":
        return f"{where}lacks {key!r}" if where else f"section [{key}] is missing"
    return f"{where}{key}: {fault['msg']}"


def _remedy(fault: Any) -> str:
    if fault["type"] != "extra_forbidden":
        return "see docs/configuration.md"
    model: Any = Config
    for part in fault["loc"][:-1]:
        annotation = model.model_fields[part].annotation
        model = next(
            (a for a in getattr(annotation, "__args__", ()) if hasattr(a, "model_fields")),
            annotation,
        )
    known = list(model.model_fields)
    near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
