"""Tracks that a phone follows: one GPX file per route."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from patrolmap._files import replacing
from patrolmap.errors import OptionError
from patrolmap.output._legs import Step, legs, path, steps_by_route
from patrolmap.output._named import named_in
from patrolmap.output._text import clock, file_names, one_line, span
from patrolmap.output._words import check_language
from patrolmap.output.cards.content import crew_name
from patrolmap.output.cards.layout import Layout, laid_out
from patrolmap.output.cards.rows import rows_of
from patrolmap.output.cards.wording import Words
from patrolmap.output.maps.packing import degrees
from patrolmap.patrol.plan import Plan

_DECIMALS = 6


def write_gpx(plan: Plan, folder: str | Path, *, lang: str = "en") -> list[Path]:
    """Write each route as a GPX 1.1 file: a track with times, and the lines of its card.

    Track points are the vertices of the streets walked; their times run evenly along each visit,
    to the whole second, in UTC as GPX wants it. Waypoints stand at the depots and where a line of
    the route card begins, with the card's number, clock and words; their type is "leg", or what
    the crew does where it stands. The metadata say that the file is for official use only. Equal
    plans make equal files.

    Parameters
    ----------
    plan
        Any plan; nothing else is needed.
    folder
        Where to write; made if it is missing. Files are named after the routes, and each is
        replaced in one step.
    lang
        "en", "kk" or "ru", as for `write_cards`: both then number alike.

    Returns
    -------
    list of Path
        The files, in the order of `plan.routes`.

    Raises
    ------
    SchemaError
        If the plan's tables do not belong together.
    OptionError
        If `folder` is a file, or there are no words in `lang`.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd, pandas as pd, patrolmap as pm
    >>> from shapely import LinearRing
    >>> block = LinearRing([(656000, 4790000), (656200, 4790000), (656200, 4790200)])
    >>> streets = pm.read_streets(gpd.GeoDataFrame({"name": ["Abay"]}, geometry=[block], crs=32643))
    >>> depot = pm.Depot("Abay", lon=76.9217, lat=43.2466)
    >>> shift = pm.Shift(depot=depot, start="2026-11-22 20:00+05:00", duration="1h", name="night")
    >>> risk = pd.Series(1.0, index=streets.segments.index)
    >>> plan = pm.plan_patrols(streets, risk, [shift], stop=pm.MaxIterations(5))
    >>> folder = tempfile.TemporaryDirectory()
    >>> [path.name for path in write_gpx(plan, folder.name)]
    ['night-1.gpx']
    >>> folder.cleanup()
    """
    say = Words(check_language(lang))
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise OptionError(f"{target} is a file; wanted a folder for the tracks.")
    named = named_in(plan, lang)
    walks = steps_by_route(named)
    told = legs(named, walks)
    names = file_names([str(route_id) for route_id in named.routes.index])
    written = []
    for (route_id, row), name in zip(named.routes.iterrows(), names, strict=True):
        mine = told[told.index.get_level_values("route_id") == route_id]
        lines = laid_out(rows_of(mine, by_car=row["mode"] == "drive"), say)
        document = _document(named, row, lines, walks[str(route_id)], say)
        out = target / f"{name}.gpx"
        with replacing(out) as draft:
            draft.write_text(document.to_xml(version="1.1") + "\n", encoding="utf-8")
        written.append(out)
    return written


def _document(plan: Plan, row: pd.Series, lines: Layout, steps: list[Step], say: Words) -> Any:
    import gpxpy.gpx

    title = crew_name(row, say)
    out = gpxpy.gpx.GPX()
    out.creator = "patrolmap"
    out.name = title
    when = span(row["start"], row["end"], say.lang)
    secret = say("For official use only")
    out.description = one_line(f"{secret.upper()}. {row['depot']}, {when}.")
    out.keywords = secret.lower()
    out.time = _utc(row["start"])
    out.waypoints = [*_depots(plan, row), *_lines_of(plan, lines, say)]
    track = gpxpy.gpx.GPXTrack(name=title)
    track.segments.append(gpxpy.gpx.GPXTrackSegment(_track(plan, steps)))
    out.tracks.append(track)
    return out


def _track(plan: Plan, steps: list[Step]) -> list[Any]:
    import gpxpy.gpx

    points, times = path(steps)
    return [
        gpxpy.gpx.GPXTrackPoint(lat, lon, time=_utc(moment))
        for (lat, lon), moment in zip(degrees(plan.segments.crs, points), times, strict=True)
    ]


def _depots(plan: Plan, row: pd.Series) -> list[Any]:
    import gpxpy.gpx

    mine = plan.stops[plan.stops["name"].isin([row["depot"], row["end_depot"]])]
    points = np.array([(p.x, p.y) for p in mine.geometry]).reshape(-1, 2)
    return [
        gpxpy.gpx.GPXWaypoint(
            lat, lon, name=one_line(stop.name), symbol="Flag, Blue", type=one_line(stop.kind)
        )
        for stop, (lat, lon) in zip(mine.itertuples(), degrees(mine.crs, points), strict=True)
    ]


def _lines_of(plan: Plan, lines: Layout, say: Words) -> list[Any]:
    import gpxpy.gpx

    points = np.array([row.point for row in lines.rows]).reshape(-1, 2)
    out = []
    for (number, row), (lat, lon) in zip(
        lines.numbered, degrees(plan.segments.crs, points), strict=True
    ):
        text = lines.setting.text_of(row, say)
        stay = say.minutes(row.arrive, row.depart)
        what = f"{say(row.turn)}, {say.metres(row.length)}" if row.moving else stay
        out.append(
            gpxpy.gpx.GPXWaypoint(
                lat, lon, time=_utc(row.arrive), name=f"{number:02d} {clock(row.arrive)} {text}",
                description=what or None, symbol=None if row.moving else "Flag, Red",
                type="leg" if row.moving else row.activity,
            )
        )  # fmt: skip
    return out


def _utc(moment: pd.Timestamp) -> datetime:
    whole: datetime = moment.tz_convert("UTC").round("s").to_pydatetime()
    return whole
