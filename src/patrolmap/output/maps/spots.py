"""Hot spots: their streets, figures, and a place for their badge."""

from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from patrolmap.errors import NetworkMismatchError
from patrolmap.output._text import one_line
from patrolmap.output._words import words
from patrolmap.output.maps.packing import Payload, degrees, digits
from patrolmap.risk.spots.pieces import UNNAMED
from patrolmap.schema import EVENT_KINDS, HOTSPOTS, validate
from patrolmap.streets.network import StreetNetwork


def hotspot_payload(streets: StreetNetwork, table: gpd.GeoDataFrame, lang: str) -> list[Payload]:
    """Return each hot spot with its figures and segments.

    Raises
    ------
    NetworkMismatchError
        If they were found on another street network.
    """
    require_spots_of(streets, table)
    at = {segment: i for i, segment in enumerate(streets.segments.index)}
    say = words(lang, "map").gettext
    rows = list(table.itertuples())
    labels = [middle_of(row.geometry) for row in rows]
    points = degrees(streets.crs, labels)
    return [
        {
            "number": int(row.Index),
            "name": " / ".join(say(one_line(part)) for part in row.name.split(" / ")),
            "label": "" if row.name == UNNAMED else one_line(row.name),
            "length": round(float(row.length)),
            "risk": digits(row.risk),
            "riskShare": round(float(row.risk_share), 4),
            "lengthShare": round(float(row.length_share), 5),
            "segments": [at[segment] for segment in row.segment_ids],
            "at": place,
            **_events_of(row),
        }
        for row, place in zip(rows, points, strict=True)
    ]


def require_spots_of(streets: StreetNetwork, table: gpd.GeoDataFrame) -> None:
    """Raise unless this is a table of hotspots that were found on these streets.

    Raises
    ------
    SchemaError, NetworkMismatchError
    """
    validate(table, HOTSPOTS)
    named = pd.Index([s for ids in table["segment_ids"] for s in ids])
    missing = named[~named.isin(streets.segments.index)]
    theirs = table.attrs.get("fingerprint")
    if len(missing) or (theirs is not None and theirs != streets.fingerprint):
        raise NetworkMismatchError(
            "these hotspots were found on another street network; find them on these streets "
            f"with hotspots(risk, streets). Unknown segments: {missing[:3].tolist()}."
        )


def _events_of(row: Any) -> Payload:
    """Say what the events tell of a hotspot; nothing where none were given."""
    if pd.isna(row.n_events):
        return {}
    kinds = {kind: int(getattr(row, f"n_{kind}")) for kind in EVENT_KINDS}
    told: Payload = {"events": int(row.n_events), "kinds": {k: n for k, n in kinds.items() if n}}
    if not pd.isna(row.peak_hours):
        told |= {"peak": one_line(row.peak_hours), "peakShare": round(float(row.peak_share), 3)}
    if not pd.isna(row.trend):
        told |= {"trend": digits(row.trend, 3), "trendChance": digits(row.trend_p, 2)}
    if not pd.isna(row.p_value):
        told["chance"] = digits(row.p_value, 2)
    return told


def middle_of(lines: shapely.Geometry) -> tuple[float, float]:
    """Return the point of a hotspot's streets that is nearest to their centre."""
    spot = shapely.line_interpolate_point(lines, shapely.line_locate_point(lines, lines.centroid))
    return spot.x, spot.y
