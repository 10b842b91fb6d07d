"""What one night needs, checked before anything runs: usually one TOML file."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from patrolmap.errors import ConfigError, OptionError
from patrolmap.patrol import Depot, MaxIterations, MaxRuntime, PatrolRules, Shift
from patrolmap.patrol.stop import Stop
from patrolmap.schema import EVENT_KINDS


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StreetsPart(_Part):
    """Where the streets come from."""

    source: Path
    boundary: Path | None = None
    max_segment_length: float = Field(default=200.0, gt=0)


class EventsPart(_Part):
    """One map of events; options as in `read_events`."""

    source: Path
    kind: str
    tz: str | None = None
    columns: dict[str, str] | None = None
    source_crs: str | int | None = None
    time_format: str | None = None
    layer: str | None = None


class RiskPart(_Part):
    """How risk is estimated; as in `NetworkKDE` and `hotspots`."""

    bandwidth: float = Field(default=300.0, gt=0)
    half_life: str | None = None
    weights: dict[str, float] | None = None
    coverage: float = Field(default=0.05, gt=0, le=1)


class DepotPart(_Part):
    """A depot by name, in degrees."""

    name: str
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)


class ShiftPart(_Part):
    """Crews of one depot; `start` is the clock time on the night asked for."""

    depot: str
    start: dt.time
    duration: str
    name: str | None = None
    mode: str = "walk"
    crews: int = Field(default=1, ge=1)
    service: str = "police"
    end_depot: str | None = None
    rules: str | None = None


class SolvePart(_Part):
    """When the search stops, and its seed."""

    max_runtime: float | None = Field(default=None, gt=0)
    max_iterations: int | None = Field(default=None, gt=0)
    seed: int = Field(default=0, ge=0)

    @property
    def stop(self) -> Stop:
        """The stopping criterion: both limits where both are given, 30 s where none is."""
        if self.max_iterations is None:
            return MaxRuntime(self.max_runtime or 30)
        iterations = MaxIterations(self.max_iterations)
        return iterations if self.max_runtime is None else iterations | MaxRuntime(self.max_runtime)


class NightlyConfig(_Part):
    """Everything one night's run needs; usually read from a TOML file.

    Examples
    --------
    >>> import patrolmap as pm
    >>> config = pm.NightlyConfig.from_file(pm.datasets.sample().config)
    >>> config.tz, [shift.name for shift in config.shifts]
    ('Asia/Almaty', ['day', 'night'])
    """

    tz: str
    streets: StreetsPart
    events: tuple[EventsPart, ...] = Field(min_length=1)
    depots: tuple[DepotPart, ...] = Field(min_length=1)
    shifts: tuple[ShiftPart, ...] = Field(min_length=1)
    risk: RiskPart = RiskPart()
    solve: SolvePart = SolvePart()

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a TOML file; paths in it are relative to it, and must be files on this machine.

        Raises
        ------
        ConfigError
            Naming the file, the key, what was given and what was wanted.
        """
        source = Path(path)
        if not source.is_file():
            raise ConfigError(f"{source}: no such file; wanted a TOML config.")
        try:
            given = tomllib.loads(source.read_text(encoding="utf-8"))
            config = cls.model_validate(given)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{source}: not a TOML file: {error}.") from error
        except ValidationError as error:
            raise ConfigError(f"{source}: {_explain(error)}") from error
        return config._at_home(source)

    def _at_home(self, source: Path) -> Self:
        """Make paths absolute and check names against each other, so that a night fails early."""
        home = source.resolve().parent

        def local(path: Path, key: str) -> Path:
            found = home / path
            if not found.is_file():
                raise ConfigError(
                    f"{source}: {key} = {str(path)!r} is no file; wanted a local file, "
                    f"absolute or relative to {home}."
                )
            return found

        boundary = self.streets.boundary
        streets = self.streets.model_copy(
            update={
                "source": local(self.streets.source, "streets.source"),
                "boundary": boundary and local(boundary, "streets.boundary"),
            }
        )
        events = tuple(
            part.model_copy(update={"source": local(part.source, f"events[{i}].source")})
            for i, part in enumerate(self.events)
        )
        for i, part in enumerate(self.events):
            if part.kind not in EVENT_KINDS:
                raise ConfigError(
                    f"{source}: events[{i}].kind = {part.kind!r}; wanted one of {EVENT_KINDS}."
                )
        try:
            self.shifts_of(dt.date(2026, 1, 1))
        except OptionError as error:
            raise ConfigError(f"{source}: {error}") from error
        return self.model_copy(update={"streets": streets, "events": events})

    def shifts_of(self, night: dt.date) -> list[Shift]:
        """Return the shifts of one night; a start is a clock time in `tz`."""
        depots = {part.name: Depot(part.name, lon=part.lon, lat=part.lat) for part in self.depots}
        shifts = []
        for number, part in enumerate(self.shifts, start=1):
            for name in (part.depot, part.end_depot or part.depot):
                if name not in depots:
                    raise OptionError(
                        f"shift {part.name or number}: depot {name!r} is not among the depots "
                        f"{sorted(depots)}."
                    )
            try:
                start = pd.Timestamp(dt.datetime.combine(night, part.start)).tz_localize(
                    self.tz, nonexistent="shift_forward", ambiguous=True
                )
            except (KeyError, ValueError) as error:  # zoneinfo says KeyError
                raise OptionError(f"tz = {self.tz!r} is no time zone; e.g. Asia/Almaty.") from error
            shifts.append(
                Shift(
                    depot=depots[part.depot],
                    start=start,
                    duration=part.duration,
                    mode=part.mode,
                    crews=part.crews,
                    name=part.name,
                    service=part.service,
                    end_depot=depots[part.end_depot] if part.end_depot else None,
                    rules=PatrolRules.preset(part.rules) if part.rules else None,
                )
            )
        return shifts


def _explain(error: ValidationError) -> str:
    """Put pydantic's findings into one line each: key, what was given, what was wanted."""
    lines = []
    for finding in error.errors(include_url=False):
        key = ".".join(str(part) for part in finding["loc"])
        given = "" if finding["type"] == "missing" else f", given {finding['input']!r}"
        lines.append(f"{key}: {finding['msg']}{given}")
    return "\n  ".join(lines)
