"""What can be wrong with a training run or with the checkpoint it left."""

from __future__ import annotations

from soil.errors import LoamscanError


class TrainingError(LoamscanError):
    """Root of this room's errors."""


class SettingsError(TrainingError):
    """Settings that no training run can be made with."""


class DivergedError(TrainingError):
    """A fit that came to no number."""


class LibraryError(TrainingError):
    """A spectral library that can't be read, trusted or split."""


class CheckpointError(TrainingError):
    """A folder that is no checkpoint, or one that can't be used."""


class CheckpointDamagedError(CheckpointError):
    """A checkpoint whose files are not those that were written together."""


class CheckpointUnsupportedError(CheckpointError):
    """A sound checkpoint of a format that this version does not read."""


class UnfinishedError(TrainingError):
    """What an interrupted run left can't be gone on with."""

    @classmethod
    def unusable(cls, what: str) -> UnfinishedError:
        """It is no use to anybody: all that helps is to begin again."""
        return cls(what, "add --restart to throw the unfinished run away and begin again")


class EvaluationError(TrainingError):
    """An evaluation that can't be made or written."""
