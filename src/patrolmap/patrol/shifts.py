"""Who patrols: depots and shifts, checked when made."""

from dataclasses import dataclass
from datetime import timezone
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
        try:
            lon, lat = float(lon), float(lat)
        except (TypeError, ValueError) as error:
            raise OptionError(
                f"depot {name!r}: lon={lon!r}, lat={lat!r}; wanted numbers in degrees."
            ) from error
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise OptionError(
                f"depot {name!r}: lon={lon!r}, lat={lat!r} is not a place on earth; "
                "wanted degrees, e.g. lon=76.85, lat=43.27."
            )
        object.__setattr__(self, "name", str(name))
        object.__setattr__(self, "lon", lon)
        object.__setattr__(self, "lat", lat)


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
    must_visit
        Segment ids, which a crew of the shift walks whole, and places (`Depot`), which one comes
        to, at any time.

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
    must_visit: tuple[Depot | str, ...] = ()

    def __post_init__(self) -> None:
        for which, depot in (("depot", self.depot), ("end_depot", self.end_depot or self.depot)):
            if not isinstance(depot, Depot):
                raise OptionError(f"{which}={depot!r}; wanted a Depot with name, lon and lat.")
        if not (isinstance(self.service, str) and self.service.strip()):
            raise OptionError(f"service={self.service!r}; wanted a name, such as 'police'.")
        start = _aware(self.start)
        parse_duration(self.duration, what="duration")
        if self.mode not in MODES:
            raise OptionError(f"mode={self.mode!r}; wanted one of {list(MODES)}.")
        if not (isinstance(self.crews, int) and self.crews >= 1):
            raise OptionError(f"crews={self.crews!r}; wanted a whole number >= 1.")
        if self.sector is not None and not getattr(self.sector, "area", 0) > 0:
            raise OptionError("sector must be a shapely polygon in degrees (WGS 84).")
        rules = self.rules
        if isinstance(rules, str):
            object.__setattr__(self, "rules", PatrolRules.preset(rules))
        elif not (rules is None or isinstance(rules, PatrolRules)):
            raise OptionError(f"rules={rules!r}; wanted a PatrolRules or a preset's name.")
        object.__setattr__(self, "must_visit", _visits(self.must_visit))
        object.__setattr__(self, "start", start)
        name = f"{self.depot.name} {start:%H:%M}" if self.name is None else str(self.name)
        object.__setattr__(self, "name", name)

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return parse_duration(self.duration, what="duration")

    @property
    def end(self) -> pd.Timestamp:
        """When every crew must be back."""
        return self.start + pd.Timedelta(seconds=self.seconds)


def _visits(given: Any) -> tuple[Depot | str, ...]:
    """Return what must be visited as a tuple without doubles."""
    found = (given,) if isinstance(given, Depot | str) else tuple(given)
    for one in found:
        if not isinstance(one, Depot | str):
            raise OptionError(f"must_visit holds {one!r}; wanted segment ids or Depot objects.")
    return tuple(dict.fromkeys(found))


def route_id(shift: Shift, number: int) -> str:
    """Return how a plan calls the route of a crew of a shift.

    Examples
    --------
    >>> alatau = Depot("Alatau", lon=76.85, lat=43.27)
    >>> start = "2026-11-22 20:00+05:00"
    >>> night = Shift(depot=alatau, start=start, duration="6h", crews=2, name="night")
    >>> route_id(night, 2)
    'night-2'
    """
    return f"{shift.name}-{number}"


def _aware(given: Any) -> pd.Timestamp:
    """Return a start in whole milliseconds, in a zone that its name alone gives back."""
    try:
        start = pd.Timestamp(given)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f'start={given!r} is not a time; wanted e.g. "2026-11-22 20:00+05:00".'
        ) from error
    if start is pd.NaT or start.tz is None:
        raise OptionError(
            f"start={str(given)!r} has no time zone; wanted an aware time, "
            'e.g. "2026-11-22 20:00+05:00".'
        )
    named = getattr(start.tz, "key", None) or getattr(start.tz, "zone", None)  # zoneinfo, pytz
    return start.tz_convert(named or timezone(start.utcoffset())).as_unit("ms")
