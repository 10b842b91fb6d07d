"""Exceptions and warnings: each error is a `PatrolmapError` and the builtin a caller would expect.

A message names what was given, what was wanted, and the mend.
"""

__all__ = [
    "CRSError",
    "ConfigError",
    "DepotError",
    "InfeasibleError",
    "NetworkMismatchError",
    "OptionError",
    "PatrolmapError",
    "RejectedRowsWarning",
    "SchemaError",
    "ServiceError",
    "SourceFormatError",
    "SourceNotFoundError",
]


class PatrolmapError(Exception):
    """Root of everything patrolmap raises on purpose."""


class SourceNotFoundError(PatrolmapError, FileNotFoundError):
    """A file that was asked for is not there."""


class SourceFormatError(PatrolmapError, ValueError):
    """A file is there but cannot be read as what it should be: empty, cut short, another format."""


class ServiceError(PatrolmapError, ConnectionError):
    """A server on the web is out of reach, busy, or answers with something else than data."""


class SchemaError(PatrolmapError, ValueError):
    """A table lacks a column, or a column holds what it must not."""


class CRSError(PatrolmapError, ValueError):
    """Coordinates make no sense in the CRS that was stated, or a stage got degrees for metres."""


class OptionError(PatrolmapError, ValueError):
    """An option of a call is out of its range."""


class ConfigError(PatrolmapError, ValueError):
    """A configuration file is wrong: names the file, the key and the mend."""


class NetworkMismatchError(PatrolmapError, ValueError):
    """Risk belongs to another street network than the one it is used with."""


class _DemandError(PatrolmapError, ValueError):
    """Something asked of a shift cannot be had: `demand` says what, where leaving it out mends it.

    `place` names which one of several; `others` are what else cannot be had, in other shifts.
    """

    others: tuple["_DemandError", ...] = ()

    def __init__(
        self,
        message: str,
        *,
        shift: str | None = None,
        demand: str | None = None,
        place: str | None = None,
    ) -> None:
        super().__init__(message)
        self.shift, self.demand, self.place = shift, demand, place


class DepotError(_DemandError):
    """A depot stands nowhere near a street of its shift's mode."""


class InfeasibleError(_DemandError):
    """No plan can meet what was asked: names the shift and the rule in the way."""


class RejectedRowsWarning(UserWarning):
    """Some rows of a source were dropped; the report says which and why."""
