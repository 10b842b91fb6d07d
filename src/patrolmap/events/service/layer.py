"""A layer of a map service, and the question put to it: which rows, and only the fields needed."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pandas as pd

from patrolmap.errors import OptionError, SchemaError, ServiceError
from patrolmap.events._columns import Roles, find_roles, listing, plain_name
from patrolmap.events._preset import Preset
from patrolmap.events._text import short
from patrolmap.events.service.transport import Client
from patrolmap.events.sources.esri import read_crs

DATES = {"esriFieldTypeDate": "TIMESTAMP", "esriFieldTypeTimestampOffset": "TIMESTAMP",
         "esriFieldTypeDateOnly": "DATE"}  # fmt: skip
POINTS = ("esriGeometryPoint", "esriGeometryMultipoint")
LARGEST_PAGE = 10_000  # rows: a page that fails is asked again whole
EVERY_ROW = "1=1"
Between = tuple[pd.Timestamp | None, pd.Timestamp | None]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What a layer says of itself.

    Attributes
    ----------
    name : str
        Its address without the scheme; how messages call it.
    title : str
    fields : mapping
        Name -> Esri type.
    oid : str or None
        Field of object ids.
    limit : int
        Rows of a page.
    pages : bool
        Whether it pages by offset.
    points : bool
        Whether its rows have geometry; a table has none.
    placed : bool
        Whether it states a CRS that PROJ knows.
    clock : tzinfo or None
        Zone in which its dates are asked for; None where it is not known by a name in use here.
    """

    name: str
    title: str
    fields: Mapping[str, str]
    oid: str | None
    limit: int
    pages: bool
    points: bool
    placed: bool
    clock: tzinfo | None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which rows and fields are asked for.

    Attributes
    ----------
    fields : tuple of str
        Those that serve a role, and the object id.
    params : mapping
        Parameters of the question that say which rows.
    between : pair of Timestamp or None
        Of the rows that come, only events from the first and before the second are wanted.
    notes : tuple of str
    """

    fields: tuple[str, ...]
    params: Mapping[str, str]
    between: Between
    notes: tuple[str, ...]


def read_layer(client: Client) -> Layer:
    """Ask a layer what it is, and check that events can be read from it.

    Raises
    ------
    ServiceError
        If the address is no layer of points, or the layer cannot be queried.
    """
    told = client.ask("", {"f": "json"}, "the description of the layer")
    parts = urlsplit(client.url)
    name = short(parts.netloc + parts.path, most=150)
    _require_points(told, name)
    fields = {
        str(field["name"]): str(field.get("type"))
        for field in told["fields"]
        if isinstance(field, Mapping) and "name" in field
    }
    ids = [field for field, kind in fields.items() if kind == "esriFieldTypeOID"]
    stated = str(told.get("objectIdField"))
    limit = told.get("maxRecordCount")
    return Layer(
        name=name,
        title=short(told.get("name")),
        fields=fields,
        oid=stated if stated in fields else next(iter(ids), None),
        limit=min(limit, LARGEST_PAGE) if isinstance(limit, int) and limit > 0 else 1000,
        pages=_pages(told),
        points=told.get("geometryType") in POINTS,
        placed=_placed(told),
        clock=_clock(told.get("dateFieldsTimeReference")),
    )


def _require_points(told: Mapping[str, Any], name: str) -> None:
    if not isinstance(told.get("fields"), list):
        raise ServiceError(_no_layer(told, name))
    if told.get("geometryType") not in POINTS and told.get("type") != "Table":
        raise ServiceError(
            f"{name} is {_what(told)}, not points; wanted the layer that holds single events."
        )
    abilities = str(told.get("capabilities", "Query"))
    if abilities and "query" not in abilities.lower():
        raise ServiceError(f"{name} cannot be queried (capabilities: {short(abilities)}).")


def _pages(told: Mapping[str, Any]) -> bool:
    more = told.get("advancedQueryCapabilities")
    inner = more if isinstance(more, Mapping) else {}
    return True in (inner.get("supportsPagination"), told.get("supportsPagination"))


def _placed(told: Mapping[str, Any]) -> bool:
    extent = told.get("extent")
    inner = extent.get("spatialReference") if isinstance(extent, Mapping) else None
    reference = told.get("sourceSpatialReference") or told.get("spatialReference") or inner
    return read_crs(reference) is not None


def make_question(
    layer: Layer,
    *,
    columns: Mapping[str, str | None] | None,
    preset: Preset,
    where: str | None,
    start: Any,
    end: Any,
    tz: tzinfo | None,
    area: Any,
) -> Wanted:
    """Say which rows and fields of a layer are wanted.

    Raises
    ------
    SchemaError
        If a field that `columns` names is gone, or no field of dates is known for start= and end=.
    OptionError
        If start=, end= or where= make no sense, or need a zone.
    """
    roles = find_roles(pd.DataFrame(columns=list(layer.fields)), columns, preset)
    if not layer.points and roles.place() is None:
        raise ServiceError(
            f"{layer.name} is a table without points; its fields are {listing(layer.fields)}."
        )
    clauses, notes, between = [], [], (None, None)
    if where is not None:
        clauses.append(_condition(where))
    if start is not None or end is not None:
        clause, between, said = _between(layer, roles, start, end, tz)
        clauses.append(clause)
        notes += said
    whole = clauses[0] if len(clauses) == 1 else " AND ".join(f"({part})" for part in clauses)
    params = {"where": whole or EVERY_ROW}
    if area is not None and layer.points:
        params |= _envelope(area)
        notes.append("asked for the box of the boundary: rows without a place were not sent")
    fields = _needed(layer, roles)
    notes = [
        f"asked for the rows where {short(whole, most=200)}" if whole else "asked for every row",
        f"asked for the fields {listing(fields)}, no others",
        *notes,
    ]
    return Wanted(fields=fields, params=params, between=between, notes=tuple(notes))


def _condition(where: Any) -> str:
    """Check that a condition is one, whole in itself: what stands beside it must keep its force."""
    if not isinstance(where, str) or not where.strip():
        raise OptionError(f"where={where!r}; wanted a condition, like \"city_code='1975'\".")
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", where)
    depth = lowest = 0
    for sign in re.findall(r"[()]", bare):
        depth += 1 if sign == "(" else -1
        lowest = min(lowest, depth)
    found = [what for what, wrong in (
        ("a quote that is left open", re.search("['\"]", bare)), ("a comment", "--" in bare),
        ("a comment", "/*" in bare), ("a semicolon", ";" in bare),
        ("brackets that do not match", depth or lowest),
    ) if wrong]  # fmt: skip
    if found:
        raise OptionError(f"where={where!r} has {found[0]}; wanted one condition, whole in itself.")
    return where.strip()


def _needed(layer: Layer, roles: Roles) -> tuple[str, ...]:
    """Return the object id, the fields that serve a role, and those by which rows are chosen."""
    chosen = {*roles.preset.keep, *roles.preset.drop}
    names = [layer.oid] if layer.oid else []
    names += [name for role in roles.every.values() for name in role]
    names += [name for name in layer.fields if plain_name(name) in chosen]
    return tuple(dict.fromkeys(names))


def _no_layer(told: Mapping[str, Any], name: str) -> str:
    layers = told.get("layers")
    if isinstance(layers, list) and layers:
        parts = [part for part in layers if isinstance(part, Mapping)]
        shown = listing((f"{part.get('id')} {part.get('name')}" for part in parts), most=12)
        return f"{name} is a service with several layers; add the number of one of {shown}."
    return f"{name} is {_what(told)}, which has no fields; wanted a layer of points."


def _what(told: Mapping[str, Any]) -> str:
    kind = told.get("geometryType") or told.get("type") or "no layer of a map service"
    plain = str(kind).removeprefix("esriGeometry").lower()
    title = f"{short(told.get('name'))!r}, " if told.get("name") else ""
    return f"{title}{short(plain)}"


def _clock(reference: Any) -> tzinfo | None:
    """Return the zone of where-clauses; services say nothing where it is UTC."""
    if not isinstance(reference, Mapping):
        return UTC
    for key in ("timeZoneIANA", "timeZone"):
        try:
            return ZoneInfo(str(reference[key]))
        except (KeyError, ValueError, OSError):
            continue
    return None


def _between(
    layer: Layer, roles: Roles, start: Any, end: Any, tz: tzinfo | None
) -> tuple[str, Between, list[str]]:
    """Write a range of dates as a clause in the clock by which the service keeps its dates.

    Where its dates hold no hours, or its zone is not known, the clause asks for more than the
    range: then that comes second, to be kept of what the service sends.
    """
    field = _date_field(layer, roles)
    local = roles.preset.local_epoch(field)
    low, high = (_moment(one, name, tz, local) for one, name in ((start, "start"), (end, "end")))
    exact, notes = (low, high), []
    if low is not None and high is not None and low >= high:
        raise OptionError(f"start={start!r} is not before end={end!r}; wanted start < end.")
    if beside := _hours_beside(roles, field):
        low, high = low and _midnight(low, tz), high and _midnight(high, tz, after=True)
        if (low, high) != exact:
            notes.append(f"asked for whole days, as the hours are in {beside!r}")
    if not local and layer.clock is None:
        # Its zone has a name that is not in use here: a day more on both sides loses nothing.
        low, high = (low and low - pd.Timedelta("1D")), (high and high + pd.Timedelta("1D"))
        notes.append("asked for a day more before and after: the service's zone is not known")
    zone = tz if local else layer.clock or UTC
    clause = _clause(field, DATES[layer.fields[field]], low and low.tz_convert(zone),
                     high and high.tz_convert(zone))  # fmt: skip
    said = "the local clock" if local else str(layer.clock or "UTC")
    said = f"start= and end= by {field!r}, in {said}"
    return clause, exact if notes else (None, None), [said, *notes]


def _clause(field: str, word: str, low: pd.Timestamp | None, high: pd.Timestamp | None) -> str:
    form = "%Y-%m-%d" if word == "DATE" else "%Y-%m-%d %H:%M:%S"
    parts = []
    if low is not None:
        parts.append(f"{field} >= {word} '{low.tz_localize(None).floor('s').strftime(form)}'")
    if high is not None:
        up = high.tz_localize(None).ceil("D" if word == "DATE" else "s")
        parts.append(f"{field} < {word} '{up.strftime(form)}'")
    return " AND ".join(parts)


def _hours_beside(roles: Roles, field: str) -> str | None:
    """Return the column that tells the hours of the days in a field, if one does."""
    dated = roles.start() == "date" or "time" in roles.named
    columns = (roles.get("time") if dated else None, roles.get("period"))
    return next((column for column in columns if column not in (None, field)), None)


def _midnight(moment: pd.Timestamp, tz: tzinfo | None, *, after: bool = False) -> pd.Timestamp:
    """Return the local midnight before or after a moment, itself where it is one."""
    local = moment.tz_convert(tz or moment.tz)
    wall = local.tz_localize(None)
    day = wall.ceil("D") if after else wall.floor("D")
    return day.tz_localize(local.tz, ambiguous=True, nonexistent="shift_forward")


def _date_field(layer: Layer, roles: Roles) -> str:
    """Return the field of dates that the roles find; a service compares no dates kept as text."""
    order = dict.fromkeys((roles.start() or "date", "occurred_from", "date"))
    for name in (name for role in order for name in roles.all(role)):
        if layer.fields[name] in DATES:
            return name
    dates = [name for name, kind in layer.fields.items() if kind in DATES]
    raise SchemaError(
        f"{layer.name} has no field known to hold the date of the event as a date, so start= and "
        f"end= cannot be asked for; its dates are {listing(dates)}. Name one with "
        "columns={'date': ...}, or write the range into where=."
    )


def _moment(value: Any, name: str, tz: tzinfo | None, local: bool) -> pd.Timestamp | None:
    """Return one end of a range, with its zone."""
    if value is None:
        return None
    wanted = "wanted a day or a moment, e.g. '2026-01-31' or '2026-01-31 20:00'"
    try:
        moment = pd.Timestamp(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise OptionError(f"{name}={value!r} is no moment; {wanted}.") from error
    if moment is pd.NaT or isinstance(value, bool | int | float):
        raise OptionError(f"{name}={value!r} is no moment; {wanted}.")
    if tz is None and (local or moment.tzinfo is None):
        raise OptionError(f"{name}={value!r} needs tz= to be asked for, e.g. tz='Asia/Almaty'.")
    if moment.tzinfo is None:
        moment = moment.tz_localize(tz, ambiguous=True, nonexistent="shift_forward")
    return moment


def _envelope(area: Any) -> dict[str, str]:
    """Return the box of an area, wider: straight lines in degrees bulge in another projection."""
    west, south, east, north = area.bounds
    wide, high = (0.002 + 0.05 * (east - west)), (0.002 + 0.05 * (north - south))
    box = {"xmin": max(west - wide, -180.0), "ymin": max(south - high, -90.0),
           "xmax": min(east + wide, 180.0), "ymax": min(north + high, 90.0)}  # fmt: skip
    return {
        "geometry": json.dumps(box),
        "geometryType": "esriGeometryEnvelope",
        "inSR": "4326",
        "spatialRel": "esriSpatialRelIntersects",
    }
