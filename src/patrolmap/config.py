"""What one night needs, checked before anything runs: usually one TOML file."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from patrolmap._database import is_database
from patrolmap.errors import ConfigError, OptionError, PatrolmapError
from patrolmap.events import Preset, load_preset
from patrolmap.events.service.client import is_url
from patrolmap.events.service.transport import check_url
from patrolmap.events.sources.postgis import check_address, check_query
from patrolmap.patrol import Depot, MaxIterations, MaxRuntime, PatrolRules, Shift
from patrolmap.patrol.stop import Stop
from patrolmap.risk import NetworkKDE, RiskProfile
from patrolmap.schema import EVENT_KINDS
from patrolmap.streets.boundary import is_district

_CLOCK = re.compile(r"\d\d?:\d\d(:\d\d)?")
_SECRET = re.compile("pass|pwd|token|secret|key|user|login", re.IGNORECASE)
_LOGIN = re.compile("(?<=/)[^/]*@")  # of an address


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
    """One map of events; options as in `read_events`.

    A source may be the address of a map service or a database. Passwords and tokens stand in the
    environment (PGPASSWORD, PATROLMAP_ARCGIS_TOKEN), never here.
    """

    source: str | Path
    kind: str | None = None
    preset: str | None = None
    tz: str | None = None
    columns: dict[str, str] | None = None
    source_crs: str | int | None = None
    time_format: str | None = None
    layer: str | None = None
    boundary: Path | None = None
    where: str | None = None
    start: dt.datetime | dt.date | None = None
    end: dt.datetime | dt.date | None = None
    query: str | None = None

    @property
    def shape(self) -> Preset:
        """The preset, read."""
        return load_preset(self.preset or "generic")

    def _at_home(self, home: Path, key: str) -> Self:
        """Return the part with paths absolute, its preset, kind and address checked.

        Raises
        ------
        OptionError, ConfigError, SourceNotFoundError
            Naming the key, what was given and what was wanted; never what may be a secret.
        """
        changed: dict[str, object] = {"source": self._source(home, key)}
        if self.boundary is not None:
            changed["boundary"] = _local(home, self.boundary, f"{key}.boundary")
        if self.preset is not None and self.preset.endswith(".toml"):
            changed["preset"] = str(_local(home, self.preset, f"{key}.preset"))
        part = self.model_copy(update=changed)
        kind = part.shape.kind if self.kind is None else self.kind
        if kind not in EVENT_KINDS:
            raise ConfigError(f"{key}.kind = {kind!r}; wanted one of {EVENT_KINDS}.")
        if part.shape.kind not in (None, kind):
            raise ConfigError(
                f"{key}.kind = {kind!r}, but the preset {self.preset!r} reads the map of kind "
                f"{part.shape.kind!r}; leave kind out."
            )
        return part

    def _source(self, home: Path, key: str) -> str | Path:
        """Return the address, or the path of a file, with what goes along with it checked."""
        text = str(self.source)
        web, database = is_url(self.source), is_database(self.source)
        if not web:
            self._require_none(key, "the address of a map service", "where", "start", "end")
        if not database:
            self._require_none(key, "the address of a database", "query")
        try:
            if database:
                check_address(text)
                check_query(self.query)
                return text
            return check_url(text) if web else _local(home, self.source, f"{key}.source")
        except OptionError as error:
            raise ConfigError(f"{key}.source: {error}") from error

    def _require_none(self, key: str, owner: str, *names: str) -> None:
        for name in names:
            if getattr(self, name) is not None:
                raise ConfigError(f"{key}.{name} goes with {owner}; the source is none.")


class RiskPart(_Part):
    """How risk is estimated; as in `NetworkKDE`, `RiskProfile` and `hotspots`."""

    bandwidth: float | Literal["auto"] = "auto"
    method: Literal["esd", "esc", "simple"] = "esd"
    half_life: str | None = None
    season: bool = False
    weights: dict[str, float] | None = None
    programme: str | None = None
    harm: bool = False
    coverage: float = Field(default=0.05, gt=0, le=1)

    @field_validator("bandwidth", mode="plain")
    @classmethod
    def _metres_or_auto(cls, given: object) -> object:
        if given == "auto":
            return given
        if not isinstance(given, int | float) or isinstance(given, bool) or not given > 0:
            raise ValueError('wanted metres, greater than 0, or "auto"')
        return float(given)

    @property
    def model(self) -> NetworkKDE | RiskProfile:
        """The estimator with these options: a profile where a programme or harm is asked for."""
        options: dict[str, Any] = {
            "bandwidth": self.bandwidth,
            "method": self.method,
            "season": self.season,
        }
        if self.programme is None and not self.harm:
            return NetworkKDE(half_life=self.half_life, weights=self.weights, **options)
        return RiskProfile(
            programme=self.programme,
            kinds=self.weights,
            harm=self.harm,
            estimator=NetworkKDE(half_life=self.half_life, **options),
        )

    def _at_home(self, home: Path) -> Self:
        """Return the part with the path of a programme of one's own absolute."""
        if self.programme is None or not self.programme.endswith(".toml"):
            return self
        path = _local(home, self.programme, "risk.programme")
        return self.model_copy(update={"programme": str(path)})


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
    lang: Literal["en", "kk", "ru"] = "en"  # of the map, the cards and the tracks

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

        Only a map of events may be an address: of a map service, or of a database, without a
        password.

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
        boundary, cache = self.streets.boundary, self.streets.cache_dir
        try:
            if isinstance(boundary, str):
                there = (home / boundary).is_file()
                if there or not is_district(boundary):
                    boundary = str(_local(home, boundary, "streets.boundary"))
            streets = self.streets.model_copy(
                update={
                    "source": _local(home, self.streets.source, "streets.source"),
                    "boundary": boundary,
                    "cache_dir": cache and home / cache,
                }
            )
            events = tuple(
                part._at_home(home, f"events[{i}]") for i, part in enumerate(self.events)
            )
            risk = self.risk._at_home(home)
            _ = risk.model
            self.shifts_of(dt.date(2026, 1, 1))
        except PatrolmapError as error:
            raise ConfigError(f"{source}: {error}") from error
        return self.model_copy(update={"streets": streets, "events": events, "risk": risk})

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


def _local(home: Path, path: str | Path, key: str) -> Path:
    """Return the path of a file on this machine; a relative one is taken from `home`."""
    found = home / path
    if not found.is_file():
        shown = _LOGIN.sub("***@", str(path))
        raise ConfigError(
            f"{key} = {shown!r} is no file; wanted a local file, absolute or relative to {home}."
        )
    return found


def _explain(error: ValidationError) -> str:
    """Put pydantic's findings into one line each: key, what was given, what was wanted."""
    lines = []
    for finding in error.errors(include_url=False):
        key = ".".join(str(part) for part in finding["loc"] if "[" not in str(part))
        silent = finding["type"] == "missing" or _SECRET.search(key)
        given = "" if silent else _LOGIN.sub("***@", f", given {finding['input']!r}")
        lines.append(f"{key}: {finding['msg']}{given}")
    return "\n  ".join(lines)
