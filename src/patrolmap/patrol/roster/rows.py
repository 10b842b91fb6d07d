"""One row of a roster: its cells, checked, and shifts from all rows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd

from patrolmap.events._text import fold, short
from patrolmap.patrol.roster.cells import DEGREE, BadCellError, coordinates, said, text
from patrolmap.patrol.roster.stations import SAME, Stations, plain
from patrolmap.patrol.roster.times import Days, TimeCellError, start_of
from patrolmap.patrol.roster.words import MODES, SERVICES, word
from patrolmap.patrol.rules import PRESETS
from patrolmap.patrol.shifts import Depot, Shift

MOST_CREWS = 500


class RowError(Exception):
    """A row that cannot be used: column, what it held, what was wanted."""

    def __init__(self, column: str, given: str, wanted: str) -> None:
        super().__init__(wanted)
        self.column, self.given, self.wanted = column, given, wanted


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one row says."""

    number: int
    name: str | None
    crew: str | None
    crews: int
    service: str
    mode: str
    start: pd.Timestamp
    seconds: int
    depot: Depot
    end_depot: Depot | None
    rules: str | None

    @property
    def told(self) -> tuple[Any, ...]:
        """All that makes two rows alike."""
        return (self.name, self.crew, self.service, self.mode, self.start, self.seconds,
                self.depot, self.end_depot, self.rules)  # fmt: skip


class Depots:
    """Depots of one roster by name: each name is one place, in the spelling that came first."""

    def __init__(self, places: Stations | None) -> None:
        self._places = places
        self._known: dict[str, Depot] = {}

    def learn(self, cell: Any, lat: Any, lon: Any) -> None:
        """Remember a depot that a row states with coordinates, for rows that only name it."""
        try:
            self.of(cell, lat, lon, by_name=False)
        except BadCellError:
            return  # told when the row is read

    def of(self, cell: Any, lat: Any = None, lon: Any = None, *, by_name: bool = True) -> Depot:
        """Return the depot that cells state.

        Raises
        ------
        BadCellError
            If there is none.
        """
        if lat is not None or lon is not None:
            stated = coordinates(f"{float_text(lat)}, {float_text(lon)}")
            if stated is None:
                raise BadCellError(f"{lat}, {lon}", "degrees, e.g. 43.2700 and 76.8500")
            name = None if cell is None else text(cell)
        elif cell is None:
            raise BadCellError(cell, "a place: 'lat, lon', or the name of one")
        else:
            stated = coordinates(cell)
            name = None if stated is None or stated.name is None else text(stated.name)
        if stated is None:
            if not by_name:
                raise BadCellError(cell, "coordinates")
            return self._named(text(cell))
        if self._places is not None:
            self._places.require_near(stated.lon, stated.lat, cell)
        name = name or f"{stated.lat:g}, {stated.lon:g}"
        return self._keep(Depot(name, lon=stated.lon, lat=stated.lat))

    def _named(self, name: str) -> Depot:
        if (known := self._known.get(_key(name))) is not None:
            return known
        if self._places is None:
            raise BadCellError(name, "'lat, lon', or places= to look the name up in")
        lon, lat = self._places.find(name)
        return self._keep(Depot(name, lon=lon, lat=lat))

    def _keep(self, depot: Depot) -> Depot:
        known = self._known.setdefault(_key(depot.name), depot)
        away = DEGREE * max(abs(known.lat - depot.lat), abs(known.lon - depot.lon))
        if away > SAME:
            raise BadCellError(
                f"{depot.name} at {depot.lat:g}, {depot.lon:g}",
                f"one place a name; it stands at {known.lat:g}, {known.lon:g} elsewhere",
            )
        return known


def _key(name: str) -> str:
    return plain(name) or name


def float_text(value: Any) -> str:
    """Write degrees of a cell of their own with the decimals that `coordinates` looks for."""
    try:
        return f"{float(str(value).replace(',', '.')):.7f}"
    except ValueError:
        return str(value)


def read_row(
    table: pd.DataFrame,
    at: int,
    number: int,
    found: Mapping[str, str],
    days: Days,
    depots: Depots,
) -> Row:
    """Read one row.

    Raises
    ------
    RowError
        Naming the first cell that cannot be used.
    """

    def cell(role: str) -> Any:
        return said(table[found[role]].iloc[at]) if role in found else None

    with _blaming(found.get("depot") or found.get("lat", "depot")):
        depot = depots.of(cell("depot"), cell("lat"), cell("lon"))
    end_depot = None
    if cell("end_depot") is not None:
        with _blaming(found["end_depot"]):
            end_depot = depots.of(cell("end_depot"))
    with _blaming("start"):
        start, lasts = start_of(table, at, found, days)
    labels: dict[str, str | None] = {}
    for role in ("name", "crew"):
        with _blaming(found.get(role, role)):
            labels[role] = None if cell(role) is None else text(cell(role))
    with _blaming(found.get("crews", "crews")):
        crews = _whole(cell("crews"))
    with _blaming(found.get("mode", "mode")):
        mode = _mode(cell("mode"))
    with _blaming(found.get("service", "service")):
        service = _service(cell("service"))
    with _blaming(found.get("rules", "rules")):
        rules = _rules(cell("rules"))
    return Row(
        number=number, name=labels["name"], crew=labels["crew"], crews=crews, service=service,
        mode=mode, start=start, seconds=lasts, depot=depot,
        end_depot=None if end_depot == depot else end_depot, rules=rules,
    )  # fmt: skip


@contextmanager
def _blaming(column: str) -> Iterator[None]:
    try:
        yield
    except TimeCellError as error:
        raise RowError(error.column, error.given, error.wanted) from error
    except BadCellError as error:
        raise RowError(column, error.given, error.wanted) from error


def _whole(cell: Any) -> int:
    if cell is None:
        return 1
    try:
        number = float(str(cell).replace(",", "."))
    except ValueError:
        number = 0.0
    if not (1 <= number <= MOST_CREWS and number == int(number)):
        raise BadCellError(cell, f"a whole number of crews, 1 to {MOST_CREWS}")
    return int(number)


def _mode(cell: Any) -> str:
    if cell is None:
        return "walk"
    mode = word(cell, MODES)
    if mode is None:
        raise BadCellError(cell, "on foot or by car: foot, car, пеший, авто, жаяу, көлік")
    return mode


def _service(cell: Any) -> str:
    """Return a service that is known by its own word, any other as it is written."""
    if cell is None:
        return "police"
    return word(cell, SERVICES) or text(cell)


def _rules(cell: Any) -> str | None:
    if cell is None:
        return None
    name = fold(str(cell)).replace(" ", "_").replace("-", "_")
    if name not in PRESETS:
        raise BadCellError(cell, f"a preset: {', '.join(sorted(PRESETS))}")
    return name


def to_shifts(rows: Sequence[Row]) -> tuple[list[Shift], list[tuple[int, str, str]]]:
    """Return the shifts of rows, and rows that say what one before them said: (row, given, wanted).

    Like rows without a crew's label are more crews of one shift.
    """
    merged: dict[tuple[Any, ...], tuple[Row, int]] = {}
    again: list[tuple[int, str, str]] = []
    for row in rows:
        first, crews = merged.get(row.told, (row, 0))
        if crews and row.crew is not None:
            again.append((row.number, row.crew, f"one row; row {first.number} says the same"))
            continue
        merged[row.told] = (first, crews + row.crews)
    names = _names([row for row, _ in merged.values()])
    shifts = [
        Shift(
            depot=row.depot, start=row.start, duration=_duration(row.seconds), mode=row.mode,
            crews=crews, name=name, service=row.service, end_depot=row.end_depot, rules=row.rules,
        )
        for (row, crews), name in zip(merged.values(), names, strict=True)
    ]  # fmt: skip
    return shifts, again


def _duration(lasts: int) -> str:
    if lasts % 3600 == 0:
        return f"{lasts // 3600}h"
    return f"{lasts // 60}min" if lasts % 60 == 0 else f"{lasts}s"


def _names(rows: Sequence[Row]) -> list[str]:
    """Name shifts by shift and crew, and where two names are alike by depot, day and number too."""
    names = [
        " ".join(part for part in (row.name, row.crew) if part)
        or f"{row.depot.name} {row.start:%H:%M}"
        for row in rows
    ]
    for more in (
        [row.depot.name for row in rows],
        [f"{row.start:%d.%m}" for row in rows],
        [f"{row.start:%H:%M}" for row in rows],
        [f"({number})" for number in range(1, len(rows) + 1)],
    ):
        count = pd.Series(names).value_counts()
        alike = {name for name in names if count[name] > 1}
        names = [
            f"{name} {word}" if name in alike and word not in name else name
            for name, word in zip(names, more, strict=True)
        ]
    return [short(name, most=120) for name in names]
