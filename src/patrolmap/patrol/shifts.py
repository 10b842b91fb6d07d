"""Who patrols: depots and shifts, checked when made."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.patrol.rules import PatrolRules
from patrolmap.patrol.stop import parse_duration
from patrolmap.schema import MODES


@dataclass(frozen=True)
class Depot:
    """Where crews start and end; it stands at the nearest node of the shift's mode.

    Parameters
    ----------
    name
        What the crews call it.
    lon, lat
        Degrees, WGS 84.

    Examples
    --------
    >>> Depot("Alatau", lon=76.85, lat=43.27)
    Depot(name='Alatau', lon=76.85, lat=43.27)
    """

    name: str
    lon: float
    lat: float

    def __init__(self, name: str, *, lon: float, lat: float) -> None:
        object.__setattr__(self, "name", str(name))
        object.__setattr__(self, "lon", float(lon))
        object.__setattr__(self, "lat", float(lat))
        if not (-180 <= self.lon <= 180 and -90 <= self.lat <= 90):
            raise OptionError(
                f"depot {name!r}: lon={lon!r}, lat={lat!r} is not a place on earth; "
                "wanted degrees, e.g. lon=76.85, lat=43.27."
            )


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Crews that leave one depot together and are back within one duration.

    Parameters
    ----------
    depot
        Where every crew starts.
    start
        When they leave: an aware time, e.g. "2026-11-22 20:00+05:00".
    duration
        How long until they must be at `end_depot`, e.g. "8h".
    mode
        "walk" or "drive".
    crews
        How many crews; a pair is one crew.
    name
        Unique in a plan; default the depot's name and the start's clock time.
    service
        Who they are, e.g. "police", "national_guard".
    end_depot
        Where they end; default `depot`.
    sector
        Polygon in degrees (shapely, WGS 84) that the crews must stay in.
    rules
        A `PatrolRules` or the name of a preset; kept over the plan's rules.

    Raises
    ------
    OptionError
        Naming the option, what was given and what was wanted.

    Examples
    --------
    >>> alatau = Depot("Alatau", lon=76.85, lat=43.27)
    >>> night = Shift(depot=alatau, start="2026-11-22 20:00+05:00", duration="6h", crews=4)
    >>> night.end.isoformat(), night.name
    ('2026-11-23T02:00:00+05:00', 'Alatau 20:00')
    """

    depot: Depot
    start: pd.Timestamp
    duration: str
    mode: str = "walk"
    crews: int = 1
    name: str | None = None
    service: str = "police"
    end_depot: Depot | None = None
    sector: Any = None
    rules: PatrolRules | str | None = None

    def __post_init__(self) -> None:
        try:
            start = pd.Timestamp(self.start)
        except ValueError as error:
            raise OptionError(f"start={self.start!r} is not a time.") from error
        if start is pd.NaT or start.tz is None:
            raise OptionError(
                f"start={str(self.start)!r} has no time zone; wanted an aware time, "
                'e.g. "2026-11-22 20:00+05:00".'
            )
        parse_duration(self.duration, what="duration")
        if self.mode not in MODES:
            raise OptionError(f"mode={self.mode!r}; wanted one of {list(MODES)}.")
        if not (isinstance(self.crews, int) and self.crews >= 1):
            raise OptionError(f"crews={self.crews!r}; wanted a whole number >= 1.")
        if self.sector is not None and getattr(self.sector, "area", 0) <= 0:
            raise OptionError("sector must be a shapely polygon in degrees (WGS 84).")
        rules = self.rules
        if isinstance(rules, str):
            object.__setattr__(self, "rules", PatrolRules.preset(rules))
        elif not (rules is None or isinstance(rules, PatrolRules)):
            raise OptionError(f"rules={rules!r}; wanted a PatrolRules or a preset's name.")
        object.__setattr__(self, "start", start)
        if self.name is None:
            object.__setattr__(self, "name", f"{self.depot.name} {start:%H:%M}")

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return parse_duration(self.duration, what="duration")

    @property
    def end(self) -> pd.Timestamp:
        """When every crew must be back."""
        return self.start + pd.Timedelta(seconds=self.seconds)
