"""A picture of events, risk, hot spots and routes, for papers and reports."""

from typing import Any

import geopandas as gpd
import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.output._named import named_in, names_in
from patrolmap.output._streetnames import write_names
from patrolmap.output._style import CARD, INK
from patrolmap.output._text import one_line, span
from patrolmap.output.cards.wording import Words
from patrolmap.output.figure.layers import (
    draw_cells,
    draw_density,
    draw_events,
    draw_grounds,
    draw_hotspots,
    draw_places,
    draw_risk,
    draw_streets,
    number_hotspots,
)  # fmt: skip
from patrolmap.output.figure.sheet import Sheet, drop_margin, new_axes
from patrolmap.output.figure.walks import draw_plan, number_routes, plan_title
from patrolmap.output.maps.options import Audience, MapOptions, check_request
from patrolmap.output.maps.payload import Shown
from patrolmap.output.maps.streets import ground
from patrolmap.patrol.plan import Plan
from patrolmap.risk import Raster
from patrolmap.schema import require_type
from patrolmap.streets.network import StreetNetwork

_NAMES = 24  # of streets


def plot(
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
    ax: Any = None,
) -> Any:
    """Draw events, risk, hot spots and routes with matplotlib, for papers and reports.

    The twin of `explore`: the same arguments, classes and colours. All that is given is drawn, with
    a legend that says units, a scale bar, north, and whom the streets are owed to. An official
    picture says that it is for official use only. Routes run beside their streets, with arrows; a
    number in a ring where a route is farthest from its start is its number in the legend.

    Parameters
    ----------
    streets
        The street network; its segments are the base map.
    risk
        Expected events per segment, by segment_id, as `NetworkKDE.predict` returns it; of a table
        by map or by time bins, the sum. Segments it lacks have none.
    density
        As `planar_kde` returns it.
    hotspots
        As `hotspots(risk, streets)` returns them; the first ones where there is room are numbered.
    events
        As `read_events` returns them: each event is a point, each map a colour and a shape.
    places
        As `read_places` returns them.
    plan
        Routes made on these streets.
    lang
        "en", "kk" or "ru": the language of the legend and, where they are tagged, of street names.
    audience
        "official": all that is given. "public": of the events only how many there are of all maps
        in cells of 500 m, as `explore` counts them; of all else nothing: `risk`, `density`,
        `hotspots`, `places` and `plan` are not looked at.
    options
        Size of those cells, the fewest events they show, and how counts are rounded.
    ax
        Matplotlib axes to fill; the legend stands at their right, so leave room there or make the
        figure with ``layout="constrained"``. Default a new figure of the map's shape.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`, or the new axes; `.figure.savefig(path)` writes PNG, PDF or SVG.

    Raises
    ------
    OptionError
        If `ax` is no axes, density no `Raster`, or an option is none of those above.
    NetworkMismatchError
        If risk, hotspots or plan belong to another street network.
    SchemaError
        If risk is not finite numbers of 0 or more, or a table breaks its contract.

    Examples
    --------
    >>> import geopandas as gpd, matplotlib, pandas as pd, patrolmap as pm
    >>> from matplotlib.figure import Figure
    >>> from shapely import LineString
    >>> streets = pm.read_streets(gpd.GeoDataFrame(
    ...     {"name": ["Abay", "Dostyk"]},
    ...     geometry=[LineString([(656000, 4790000), (656100, 4790000)]),
    ...               LineString([(656100, 4790000), (656100, 4790100)])],
    ...     crs=32643))
    >>> risk = pd.Series([1.0, 3.0], index=streets.segments.index)
    >>> ax = pm.plot(streets, risk=risk, ax=Figure(layout="constrained").subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['Risk by street', 'Expected events per km', '30 or more', 'below 30']

    Without `ax` the figure is pyplot's; close it when many are drawn.

    >>> from matplotlib import pyplot
    >>> ax = pm.plot(streets, audience="public", lang="ru")
    >>> pyplot.close(ax.figure)
    """
    from matplotlib import rc_context
    from matplotlib.axes import Axes

    require_type(streets, StreetNetwork, name="streets")
    chosen = check_request(lang, audience, options)
    if ax is not None and not isinstance(ax, Axes):
        raise OptionError(
            f"ax is a {type(ax).__name__}; wanted matplotlib axes, or None for a new figure."
        )
    official = audience == "official"
    say, shown = Words(lang), Shown(risk=risk, density=density, hotspots=hotspots, events=events,
                                    places=places, plan=plan)  # fmt: skip
    box = ground(streets, plan if official else None)
    made = ax is None
    if made:  # outside of the context: a notebook's own settings come with the first figure
        ax = new_axes(box)
    # A dollar in a street's name is a dollar.
    with rc_context({"text.parse_math": False, "text.usetex": False}):
        sheet = Sheet(ax, box, say, official=official)
        drawn = _draw(sheet, streets, shown, chosen, official=official)
    if made and drawn.get_legend() is None:
        drop_margin(drawn)
    return drawn


def _draw(
    sheet: Sheet, streets: StreetNetwork, shown: Shown, options: MapOptions, *, official: bool
) -> Any:
    say = sheet.say
    draw_grounds(sheet, streets)
    draw_streets(sheet, streets)
    if official:
        title = _official(sheet, streets, shown, say.lang)
    else:
        title = say("Recorded events by area")
        if shown.events is not None:
            draw_cells(sheet, shown.events, streets, options)
    named = streets.segments.assign(name=names_in(streets.segments, say.lang))
    write_names(sheet.sketch, named, most=_NAMES, ink=INK, halo=CARD)
    return sheet.finish(title=title, credit=one_line(streets.attribution))


def _official(sheet: Sheet, streets: StreetNetwork, shown: Shown, lang: str) -> str:
    """Draw all layers, the lowest first in the picture and the legend; return the title."""
    say, s = sheet.say, shown
    if s.plan is not None:
        draw_plan(sheet, streets, named_in(s.plan, lang))
    if s.hotspots is not None:
        draw_hotspots(sheet, streets, s.hotspots)
    if s.risk is not None:
        draw_risk(sheet, streets, s.risk, lang)
    if s.events is not None:
        draw_events(sheet, s.events, streets)
    if s.density is not None:
        draw_density(sheet, streets, s.density)
    if s.places is not None:
        draw_places(sheet, s.places, streets)
    if s.plan is not None:
        number_routes(sheet, s.plan)
    if s.hotspots is not None:
        number_hotspots(sheet, s.hotspots)
    if s.plan is not None and len(s.plan.routes):
        routes = s.plan.routes
        when = span(routes["start"].min(), routes["end"].max(), lang)
        return " · ".join([say("Patrol plan"), when, *plan_title(s.plan, sheet)])
    drawn = (
        ("Risk by street", s.risk), ("Recorded events", s.events), ("Density of events", s.density),
        ("Hot spots", s.hotspots), ("Places", s.places),
    )  # fmt: skip
    return say(next((title for title, table in drawn if table is not None), "Streets"))
