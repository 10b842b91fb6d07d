"""What one night needs, checked before anything runs: usually one TOML file."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from patrolmap.errors import ConfigError, OptionError
from patrolmap.patrol import Depot, MaxIterations, MaxRuntime, PatrolRules, Shift
from patrolmap.patrol.stop import Stop
from patrolmap.risk import NetworkKDE
from patrolmap.schema import EVENT_KINDS
from patrolmap.streets.boundary import is_district

_CLOCK = re.compile(r"\d\d?:\d\d(:\d\d)?")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StreetsPart(_Part):
    """Where the streets come from; options as in `read_streets`."""

    source: Path
    boundary: str | int | None = None
    sidewalks: Literal["merge", "keep"] = "merge"
    cache_dir: Path | None = None
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

    @property
    def model(self) -> NetworkKDE:
        """The estimator with these options."""
        return NetworkKDE(bandwidth=self.bandwidth, half_life=self.half_life, weights=self.weights)


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

    @field_validator("start", mode="before")
    @classmethod
    def _plain_clock(cls, given: object) -> object:
        text = given.isoformat() if isinstance(given, dt.time) else given
        if not (isinstance(text, str) and _CLOCK.fullmatch(text)):
            raise ValueError('wanted a clock time such as "20:00"; its zone is tz')
        return given


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

    @field_validator("tz")
    @classmethod
    def _known_zone(cls, given: str) -> str:
        try:
            ZoneInfo(given)
        except (KeyError, ValueError, OSError) as error:  # a folder of zones is an OSError
            raise ValueError("no time zone of that name; e.g. Asia/Almaty") from error
        return given

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

        boundary, cache = self.streets.boundary, self.streets.cache_dir
        if isinstance(boundary, str) and ((home / boundary).is_file() or not is_district(boundary)):
            boundary = str(local(Path(boundary), "streets.boundary"))
        streets = self.streets.model_copy(
            update={
                "source": local(self.streets.source, "streets.source"),
                "boundary": boundary,
                "cache_dir": cache and home / cache,
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
            _ = self.risk.model
            self.shifts_of(dt.date(2026, 1, 1))
        except OptionError as error:
            raise ConfigError(f"{source}: {error}") from error
        return self.model_copy(update={"streets": streets, "events": events})

    def shifts_of(self, night: dt.date) -> list[Shift]:
        """Return the shifts of one night; a start is a clock time in `tz`."""
        names = [part.name for part in self.depots]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise OptionError(f"depots {twice} stand more than once; give each a name of its own.")
        depots = {part.name: Depot(part.name, lon=part.lon, lat=part.lat) for part in self.depots}
        shifts = []
        for number, part in enumerate(self.shifts, start=1):
            for name in (part.depot, part.end_depot or part.depot):
                if name not in depots:
                    raise OptionError(
                        f"shift {part.name or number}: depot {name!r} is not among the depots "
                        f"{sorted(depots)}."
                    )
            start = pd.Timestamp(dt.datetime.combine(night, part.start)).tz_localize(
                self.tz, nonexistent="shift_forward", ambiguous=True
            )
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
