"""The map: risk by street, hot spots and routes on the street network itself, in one file."""

from typing import Any

import geopandas as gpd
import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.output._payload import build_payload
from patrolmap.patrol.plan import Plan
from patrolmap.schema import require_type
from patrolmap.streets.network import StreetNetwork


def explore(
    streets: StreetNetwork,
    *,
    risk: pd.Series | pd.DataFrame | None = None,
    hotspots: gpd.GeoDataFrame | None = None,
    plan: Plan | None = None,
    m: Any = None,
) -> Any:
    """Draw streets, risk, hot spots and routes on a map that opens without internet.

    The map is a `folium.Map`; its `.save(path)` and its display in a notebook make one
    self-contained file: Leaflet is inside, the base map is the street network, and the page's
    content security policy forbids every request. Equal input makes equal files. More layers of
    folium can be added to it.

    Risk is drawn by risk per km in up to six classes, parted where the riskiest 1, 5, 10, 25 and
    50 % of the street length begin; only walkable segments inside the boundary count. A click
    on a street tells its risk, its rank and who passes it when; a click on a route, its card. A
    map with a plan on it is marked for official use only.

    Parameters
    ----------
    streets
        The street network; its segments are the base map.
    risk
        Expected events per segment, by segment_id, as `NetworkKDE.predict` returns it; of a
        table by time bins, the sum. Segments it lacks have none.
    hotspots
        As `hotspots(risk, streets)` returns them.
    plan
        Routes made on these streets.
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
        If `m` is not a `folium.Map`.
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
    """
    import folium

    from patrolmap.output._offline import OfflineMap, PatrolLayers

    require_type(streets, StreetNetwork, name="streets")
    if m is not None and not isinstance(m, folium.Map):
        raise OptionError(f"m is a {type(m).__name__}; wanted a folium.Map, or None for a new one.")
    payload = build_payload(streets, risk, hotspots, plan)
    layers = PatrolLayers(payload)
    if m is None:
        title = "Patrol routes (for official use only)" if plan is not None else "Streets and risk"
        m = OfflineMap(name=layers._id, title=title)
    m.add_child(layers)
    return m
