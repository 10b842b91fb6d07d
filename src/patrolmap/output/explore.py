"""The map: events, risk, hot spots and routes on the street network itself, in one file."""

from typing import Any

import geopandas as gpd
import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.output._words import words
from patrolmap.output.maps.options import Audience, MapOptions, check_request
from patrolmap.output.maps.payload import Shown, official_payload, open_payload
from patrolmap.patrol.plan import Plan
from patrolmap.risk import Raster
from patrolmap.schema import require_type
from patrolmap.streets.network import StreetNetwork


def explore(
    streets: StreetNetwork,
    *,
    risk: pd.Series | pd.DataFrame | None = None,
    density: Raster | None = None,
    hotspots: gpd.GeoDataFrame | None = None,
    events: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    plan: Plan | None = None,
    lang: str = "en",
    audience: Audience = "official",
    options: MapOptions | None = None,
    m: Any = None,
) -> Any:
    """Draw events, risk, hot spots and routes on a map that opens without internet.

    The map is a `folium.Map`; its `.save(path)` and its display in a notebook make one
    self-contained file: Leaflet is inside, the base map is the street network, and the page's
    content security policy forbids every request. Equal input makes equal files. More layers of
    folium can be added to it.

    Risk is drawn by risk per km in up to six classes, parted where the riskiest 1, 5, 10, 25 and
    50 % of the street length begin; only walkable segments inside the boundary count. Events are
    counted where they crowd and stand alone from zoom 17 on. A click on a street tells why it is
    risky and who passes it when; a click on a route, its card. A slider walks the crews through
    their shifts.

    Parameters
    ----------
    streets
        The street network; its segments are the base map.
    risk
        Expected events per segment, by segment_id, as `NetworkKDE.predict` returns it; of a
        table by map (`predict_by_kind`) or by time bins, the sum. Segments it lacks have none.
    density
        As `planar_kde` returns it.
    hotspots
        As `hotspots(risk, streets)` returns them.
    events
        As `read_events` returns them. They are counted on the nearest street within 50 m.
    places
        As `read_places` returns them.
    plan
        Routes made on these streets.
    lang
        "en", "kk" or "ru": the language of the page and, where they are tagged, of street names.
    audience
        "official": all that is given; the page says that it is for official use only. "public":
        of the events only, how many there are of each map in cells of 500 m, those of juveniles
        left out, none under 5, rounded to 5; of all else nothing: `risk`, `density`, `hotspots`,
        `places` and `plan` are not looked at.
    options
        Size of those cells, the fewest events they show, and a base map from the web to switch
        on by hand. `MapOptions()` by default: no address of the web is in the file.
    m
        A `folium.Map` to draw on; it keeps its own way of being saved, so a plain one still
        loads its scripts online. Default a new map.

    Returns
    -------
    folium.Map
        `m`, or the new map; either way it opens on the routes, else on the streets inside the
        boundary.

    Raises
    ------
    OptionError
        If `m` is not a `folium.Map`, density no `Raster`, or an option is none of those above.
    NetworkMismatchError
        If risk, hotspots or plan belong to another street network.
    SchemaError
        If risk is not finite numbers of 0 or more, or a table breaks its contract.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, patrolmap as pm
    >>> from shapely import LineString
    >>> streets = pm.read_streets(gpd.GeoDataFrame(
    ...     {"name": ["Abay", "Dostyk"]},
    ...     geometry=[LineString([(656000, 4790000), (656100, 4790000)]),
    ...               LineString([(656100, 4790000), (656100, 4790100)])],
    ...     crs=32643))
    >>> risk = pd.Series([1.0, 3.0], index=streets.segments.index)
    >>> page = explore(streets, risk=risk).get_root().render()
    >>> "Abay" in page, "<script src" in page
    (True, False)

    For anyone to see: of the events only counts in cells, here of 1 km.

    >>> from patrolmap.output import MapOptions
    >>> m = explore(streets, audience="public", options=MapOptions(cell_size=1000), lang="kk")
    >>> "official" in m.get_root().title
    False
    """
    import folium

    from patrolmap.output.maps.page import OfflineMap, PatrolLayers

    require_type(streets, StreetNetwork, name="streets")
    chosen = check_request(lang, audience, options)
    if m is not None and not isinstance(m, folium.Map):
        raise OptionError(f"m is a {type(m).__name__}; wanted a folium.Map, or None for a new one.")
    if audience == "public":
        payload = open_payload(streets, events, lang, chosen)
    else:
        shown = Shown(risk=risk, density=density, hotspots=hotspots, events=events, places=places,
                      plan=plan)  # fmt: skip
        payload = official_payload(streets, shown, lang, chosen)
    layers = PatrolLayers(payload)
    if m is None:
        title = words(lang, "map").gettext(_title(audience, plan))
        m = OfflineMap(name=layers._id, title=title, lang=lang, tiles=chosen.tiles_origin)
    m.add_child(layers)
    return m


def _title(audience: str, plan: Plan | None) -> str:
    if audience == "public":
        return "Recorded events by area"
    return (
        "Patrol routes (for official use only)"
        if plan is not None
        else ("Streets and risk (for official use only)")
    )
