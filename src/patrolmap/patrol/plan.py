"""The plan: every route of the shifts asked for, as tables that stand alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import geopandas as gpd
import pandas as pd
import pyogrio
import pyogrio.errors

from patrolmap._files import replacing
from patrolmap.errors import OptionError, SourceFormatError, SourceNotFoundError
from patrolmap.patrol.styles import layer_styles
from patrolmap.schema import (
    PLAN_GROUNDS,
    PLAN_SEGMENTS,
    ROUTES,
    STOPS,
    UNSERVED,
    VISITS,
    Table,
    validate,
)


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """How a plan came to be: enough to check it and to make it again.

    Attributes
    ----------
    seed : int
    rules : mapping
        Shift name -> its rules, as plain values.
    durations : mapping
        Shift name -> seconds a crew may be out.
    shifts : mapping
        Shift name -> what was asked for: start (ISO 8601), mode, crews, service, depot, end_depot,
        from_node and to_node (where the depots stand for this shift), sector (WKT in degrees),
        must_visit; and relaxed, where demands were left out: (crew, rule), or (0, place).
    bins : tuple of str
        Start of each time bin of the risk (ISO 8601); one entry where risk was a Series.
    prize, upper_bound, gap : float
        Risk collected; a proved bound on what any plan could collect; (bound - prize) / bound.
    total_risk : float
        Risk of all segments inside the boundary, first passes only.
    unit : str
        What one unit of risk is: "count" or "harm-days".
    iterations : int
    runtime : float
        Seconds the solver took.
    fingerprint : str
        The street network it was planned on.
    attribution : str
        Whom the streets are owed to, as their licence asks to be said.
    timezone : str
        The clock that the tables are written in.
    notes : tuple of str
        What a reader must know, e.g. that the events had no hours.
    versions : mapping
        Package name -> version.
    """

    seed: int
    rules: dict[str, dict[str, Any]]
    durations: dict[str, float]
    bins: tuple[str, ...]
    prize: float
    upper_bound: float
    gap: float
    total_risk: float
    shifts: dict[str, dict[str, Any]] = field(default_factory=dict)
    unit: str = "count"
    iterations: int = 0
    runtime: float = 0.0
    fingerprint: str = ""
    attribution: str = ""
    timezone: str = "UTC"
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return provenance from what `dataclasses.asdict` made of it, JSON in between."""
        listed = {name: tuple(values[name]) for name in ("bins", "notes")}
        return cls(**{**values, **listed})


_TABLES: dict[str, Table] = {
    "routes": ROUTES,
    "visits": VISITS,
    "segments": PLAN_SEGMENTS,
    "stops": STOPS,
    "unserved": UNSERVED,
    "grounds": PLAN_GROUNDS,
}
_OPTIONAL = ("grounds",)


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """All routes of the shifts asked for; maps, cards, the checker need nothing else.

    Attributes
    ----------
    routes : GeoDataFrame
        One row a crew (`patrolmap.schema.ROUTES`).
    visits : DataFrame
        One row a step, in order (`VISITS`); consecutive steps meet at a node.
    segments : GeoDataFrame
        All that the routes use and what lies around (`PLAN_SEGMENTS`), with its risk.
    stops : GeoDataFrame
        Depots (`STOPS`).
    unserved : DataFrame
        Risky segments nobody passes, and why (`UNSERVED`).
    provenance : Provenance
    grounds : GeoDataFrame, optional
        Parks and water around (`PLAN_GROUNDS`), for the maps on cards; None where there are none.
    """

    routes: gpd.GeoDataFrame
    visits: pd.DataFrame
    segments: gpd.GeoDataFrame
    stops: gpd.GeoDataFrame
    unserved: pd.DataFrame
    provenance: Provenance
    grounds: gpd.GeoDataFrame | None = None

    def __post_init__(self) -> None:
        for name, table in self._tables():
            validate(table, _TABLES[name])

    def _tables(self) -> Iterator[tuple[str, Any]]:
        """Give the tables that there are, with their names."""
        for name in _TABLES:
            table = getattr(self, name)
            if table is not None or name not in _OPTIONAL:
                yield name, table

    def share_passed(self) -> pd.Series:
        """Return the share of all risk that each route is the first to pass, by route_id.

        They add up to the share of risk that is passed at least once; repeat passes, which the
        prize counts too, are left out.
        """
        first = self.visits["prize"].where(self.visits["pass_number"] == 1, 0.0)
        by_route = first.groupby(level="route_id").sum().reindex(self.routes.index, fill_value=0.0)
        total = self.provenance.total_risk
        return (by_route / total if total > 0 else by_route * 0.0).rename("share_passed")

    def summary(self) -> str:
        """Say in a few lines what the plan does, how good it is, and what a reader must know.

        Examples
        --------
        >>> import pandas as pd, patrolmap as pm
        >>> district = pm.datasets.sample()
        >>> streets = pm.read_streets(district.streets)
        >>> depot = pm.Depot("square", lon=76.8605, lat=43.2305)
        >>> shift = pm.Shift(depot=depot, start="2026-11-22 20:00+05:00", duration="20min")
        >>> risk = pd.Series(1.0, index=streets.segments.index)
        >>> plan = pm.plan_patrols(streets, risk, [shift], stop=pm.MaxIterations(50))
        >>> print(plan.summary())
        1 crew covers ... km past ...% of all risk; with repeat passes they collect ...
        """
        p = self.provenance
        crews = len(self.routes)
        share = self.share_passed().sum()
        unit = {"count": "expected events", "weighted count": "expected weighted events"}.get(
            p.unit, p.unit
        )
        lines = [
            f"{crews} crew{'s cover' if crews != 1 else ' covers'} "
            f"{self.routes['length'].sum() / 1000:,.1f} km past {share:.0%} of all risk; "
            f"with repeat passes they collect {p.prize:,.3g} {unit}, "
            f"at most {p.gap:.0%} below a proved bound of {p.upper_bound:,.3g}"
        ]
        for route_id, route in self.routes.iterrows():
            lines.append(
                f"  {route_id}: {route['start']:%d.%m %H:%M} to {route['end']:%H:%M}, "
                f"{route['length'] / 1000:.1f} km from {route['depot']}, risk {route['prize']:.3g}"
            )
        for why, rows in self.unserved.groupby("why"):
            left = rows["risk"].sum() / p.total_risk
            lines.append(f"  {len(rows):,} risky segments unserved, {why}: {left:.0%} of all risk")
        other = 1 - share - self.unserved["risk"].sum() / p.total_risk if p.total_risk > 0 else 0.0
        if other >= 0.005:
            lines.append(f"  streets passed, but in another shift's hours: {other:.0%} of all risk")
        lines += [f"  note: {note}" for note in p.notes]
        return "\n".join(lines)

    def to_file(self, path: str | Path) -> Path:
        """Write the whole plan as one GeoPackage: its tables, their styles, how they came to be.

        The file appears only when it is complete. `Plan.read` gives the plan back, equal. QGIS
        opens routes, segments and depots in the styles that the file carries.
        """
        target = Path(path)
        if target.suffix.lower() != ".gpkg":
            raise OptionError(f"{target.name}: a plan is kept in a GeoPackage; wanted NAME.gpkg.")
        with replacing(target) as draft:
            for name, table in self._tables():
                _write_layer(draft, name, table)
            about = pd.DataFrame({"provenance": [json.dumps(asdict(self.provenance))]})
            pyogrio.write_dataframe(about, draft, layer="provenance", driver="GPKG")
            styles = layer_styles(self.routes, self.segments, grounds=self.grounds is not None)
            pyogrio.write_dataframe(styles, draft, layer="layer_styles", driver="GPKG", fid="id")
        return target

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a plan back from its GeoPackage.

        Raises
        ------
        SourceNotFoundError, SourceFormatError
            If there is no such file, or it is not a plan.
        """
        source = Path(path)
        if not source.is_file():
            raise SourceNotFoundError(f"{source}: no such file; wanted a plan's GeoPackage.")
        try:
            about = pyogrio.read_dataframe(source, layer="provenance")["provenance"].iloc[0]
            provenance = Provenance.from_dict(json.loads(about))
            there = set(pyogrio.list_layers(source)[:, 0])
            wanted = [name for name in _TABLES if name in there or name not in _OPTIONAL]
            tables = {name: _read_layer(source, name, provenance.timezone) for name in wanted}
        except _UNREADABLE as error:
            raise SourceFormatError(
                f"{source}: not a plan's GeoPackage ({type(error).__name__}: {error}); wanted a "
                "file that Plan.to_file wrote with this version of patrolmap."
            ) from error
        return cls(**tables, provenance=provenance)


def _write_layer(path: Path, name: str, table: pd.DataFrame) -> None:
    """Write one table with its index as ordinary columns."""
    flat = table.reset_index()
    for column in flat.select_dtypes("datetimetz"):
        flat[column] = flat[column].dt.tz_convert("UTC")  # all that the format's standard allows
    pyogrio.write_dataframe(flat, path, layer=name, driver="GPKG", append=path.exists())


def _read_layer(path: Path, name: str, timezone: str) -> Any:
    """Read one table and give it back its index, types and time zone."""
    contract = _TABLES[name]
    table = pyogrio.read_dataframe(path, layer=name)
    for column in (*contract.index, *contract.columns):
        values = table[column.name] if column.name != "geometry" else None
        if column.kind == "time" and values is not None:
            utc = pd.to_datetime(values, utc=True)  # an empty column comes back without its zone
            table[column.name] = utc.dt.as_unit("ms").dt.tz_convert(_zone(timezone))
        elif column.kind in _DTYPES and values is not None:
            table[column.name] = values.astype(_DTYPES[column.kind])
    return table.set_index([column.name for column in contract.index])


_UNREADABLE = (  # another format, a layer or column short, text that is no provenance
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
    ValueError,
)
_DTYPES = {"str": "str", "int": "int64", "float": "float64", "bool": "bool"}


def _zone(name: str) -> Any:
    """Return a time zone from what `str(tz)` said: a named zone, "UTC" or "UTC+05:00"."""
    offset = name.removeprefix("UTC")
    fixed = name != offset and offset != ""
    return pd.Timestamp(f"2000-01-01 00:00{offset}").tz if fixed else name
