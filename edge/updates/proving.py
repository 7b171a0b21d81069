"""A fetched bundle proved on this device: in a process of its own, which it may crash or hang."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from contract.bundle import open_bundle
from contract.errors import BundleError
from contract.reasons import Reason
from edge.engines.choice import choose_engine
from edge.engines.kept_choice import EngineChoice, save_choice
from edge.engines.own_process import Tell, in_own_process
from edge.errors import EdgeError, EngineError, OwnProcessError, UpdateError
from edge.proof import prove
from edge.updates.state import Release

PROVE_S: Final = 1800.0
"""Building every engine takes minutes on a small GPU; what takes longer hangs. Ours."""


def prove_release(
    path: Path,
    release: Release,
    agent: str,
    engines: Path | None,
    tell: Tell,
    timeout_s: float = PROVE_S,
) -> None:
    """Check that the file is the bundle that was signed, and runs rightly here.

    Where ``engines`` is named, every engine is built, proved and timed, and the choice kept there. Raises
    `UpdateError`.
    """
    try:
        bundle = open_bundle(path, agent)
    except BundleError as error:
        raise UpdateError(Reason.UPDATE_UNFIT, error.what, error.remedy) from error
    manifest = bundle.manifest
    if (manifest.name, manifest.version) != (release.bundle, release.version):
        raise UpdateError(
            Reason.UPDATE_UNFIT,
            f"what was signed as {release.bundle} {release.version} calls itself "
            f"{manifest.name} {manifest.version}",
        )
    try:
        choice = in_own_process(
            "the bundle", _prove, path, agent, engines, timeout_s=timeout_s, tell=tell
        )
    except EngineError as error:
        ended = isinstance(error, OwnProcessError)
        raise UpdateError(
            Reason.UPDATE_NOT_PROVED, error.what, error.remedy, perhaps_machine=ended
        ) from error
    if engines is not None and choice is not None:
        try:
            save_choice(engines, choice)
        except EdgeError as error:
            raise UpdateError(Reason.UPDATE_NO_ROOM, error.what, error.remedy) from error


def _prove(path: Path, agent: str, engines: Path | None, tell: Tell) -> EngineChoice | None:
    bundle = open_bundle(path, agent)
    if engines is None:
        prove(bundle)
        return None
    return choose_engine(bundle, engines, tell)
