"""Kernel density in the plane, on a raster: exact, fast, with all that is usually asked of it."""

import logging
import math
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.risk.density.convolve import between, binned_sums, shares_inside
from patrolmap.risk.density.kernels import Kernel, kernel_named
from patrolmap.risk.density.points import Points, aged, read_points
from patrolmap.risk.density.raster import Raster
from patrolmap.risk.density.window import Window, covered, window_over, window_within
from patrolmap.risk.options import metres

_log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]

METHODS = ("exact", "fft")
MOST_ADAPTED = 3.0
"""An adaptive bandwidth is at most so many times wider or narrower than the one given."""


def planar_kde(
    events: gpd.GeoDataFrame,
    *,
    bandwidth: float | Literal["auto"] = "auto",
    cell_size: float = 50.0,
    kernel: str = "quartic",
    weights: Any = None,
    method: str = "exact",
    adaptive: bool = False,
    area: Any = None,
    extent: tuple[float, float, float, float] | None = None,
    at: Any = None,
    time_bandwidth: Any = None,
) -> Raster:
    """Spread events over the plane around them, as weighted events per square metre on a raster.

    The value of a cell is that of the density at its centre,
    `sum_i w_i c / b_i**2 k(|centre - x_i| / b_i) / e_i`, where c makes the integral of each kernel
    over the plane 1, so that a raster that holds all of them adds up to the weights (`total`),
    to about (cell / bandwidth)**2.

    Parameters
    ----------
    events
        Points in a CRS in metres, as `read_events` makes them; other columns are not needed
        (`at` needs their times). All are used, those found by police's own work too.
    bandwidth
        b in metres: the distance at which an event counts nothing any more. "auto": the one that
        expects each event best from the others (`select_bandwidth`), or a cell where that is more.
    cell_size
        Side of a cell in metres, at most the bandwidth; a tenth to a fifth of it draws well.
    kernel
        k(u) ~ "quartic" (1 - u²)², "epanechnikov" 1 - u², "triangular" 1 - u, "uniform" 1, or
        "gaussian" exp(-4.5 u²), which is cut off at three standard deviations, u = 1.
    weights
        What each event counts for, 0 or more: a Series by event_id, a column's name, or an array
        in the order of the events. Default: 1 each.
    method
        "exact": every value to 1e-10 of the highest. "fft": events shared among the four nearest
        cells, then convolved, which blurs each kernel's rim. Off by at most, of the highest value
        and for a single event: quartic 0.15 % where the bandwidth is 25 cells, 1 % where it is 10;
        Epanechnikov, triangular and Gaussian 2 % and 5 % (0.2 % and 0.5 % where a hundred events
        and more overlap); the uniform kernel by all of it at its rim. Faster from about 300,000
        events on, and for the triangular and Gaussian kernels always.
    adaptive
        Let the bandwidth follow the density (Abramson 1982): b_i = b sqrt(g / f(x_i)), where f is
        the density at the fixed bandwidth, interpolated between cells, and g its geometric mean
        over the events; at most 3 times b and at least b / 3, and not below a cell's side.
    area
        Polygon, GeoSeries or GeoDataFrame of polygons where events are known (a bare polygon: in
        the CRS of the events). Events outside are left out, each of the others is divided by the
        share e_i of its kernel inside (Diggle 1985), so that what would fall outside is not lost
        at the border; cells less than half inside are NaN. The shares are measured at the size of
        the cells and taken as 0.05 at least. Without an area, e_i = 1.
    extent
        (west, south, east, north) in metres; cells begin at its north-west corner. Default: all
        that the events (or the area) reach, in cells that begin at whole multiples of their side.
    at, time_bandwidth
        A moment with its time zone and a length of time such as "30D": only events before that
        moment count, by a kernel of the same shape of their age over `time_bandwidth`, which adds
        up to 1 over the time after an event: the density per square metre and day.

    Returns
    -------
    Raster
        `attrs`: unit, kernel, bandwidth, method, n_events (those used), adaptive (whether), area
        (whether), at and time_bandwidth where given, `narrowest` and `widest` bandwidth where
        adaptive, `selection` where the bandwidth was chosen, notes.

    Raises
    ------
    SchemaError
        If there are no events (in the time, in the area), one is no point, or weights do not fit.
    CRSError
        If the events are in degrees, or without a CRS.
    OptionError
        If an option is out of its range, the bandwidth is below a cell or beyond the extent, or
        the raster would be greater than 2 GB.

    Notes
    -----
    Exactly, the uniform, Epanechnikov and quartic kernels take O(n b / cell + cells), the others
    O(n (b / cell)²); by FFT all take O(n + cells log cells). Results do not depend on the number
    of threads, and on the order of events only by rounding. Of the uniform kernel, a cell whose
    centre lies at the bandwidth exactly counts as within.

    References
    ----------
    Abramson (1982), doi 10.1214/aos/1176345986; Diggle (1985), doi 10.2307/2347366; Silverman
    (1986), doi 10.1201/9781315140919.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> events = gpd.GeoDataFrame(geometry=[Point(5000, 5000), Point(5200, 5100)], crs=32643)
    >>> density = planar_kde(events, bandwidth=400, cell_size=20)
    >>> density
    <Raster 45 x 50 cells of 20 m, events per m²>
    >>> round(density.total, 4)
    2.0
    """
    wanted = _Wanted.checked(kernel, cell_size, method, adaptive, area, events)
    points = read_points(events, weights)
    if at is not None or time_bandwidth is not None:
        points = aged(points, events, at, time_bandwidth, wanted.kernel)
    points = _in_area(points, wanted.area)
    base, selection, told = _bandwidth(points, bandwidth, wanted)
    window, points, reach = _prepared(points, base, extent, wanted)
    values = _values(points, reach, window, wanted)
    unit = "events per m²" if weights is None else "weighted events per m²"
    attrs = {
        "unit": unit if at is None else f"{unit} per day",
        "kernel": wanted.kernel.name,
        "bandwidth": base,
        "method": method,
        "n_events": len(points.x),
        "adaptive": wanted.adaptive,
        "area": wanted.area is not None,
        "notes": (*points.notes, *told),
    }
    if wanted.adaptive:
        attrs |= {"narrowest": float(reach.min()), "widest": float(reach.max())}
    if at is not None:
        attrs |= {"at": str(at), "time_bandwidth": str(time_bandwidth)}
    if selection is not None:
        attrs["selection"] = selection
    return Raster(values=values, transform=window.transform, crs=events.crs, attrs=attrs)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """Options, checked."""

    kernel: Kernel
    cell: float
    fft: bool
    adaptive: bool
    area: shapely.Geometry | None

    @classmethod
    def checked(
        cls, kernel: str, cell_size: float, method: str, adaptive: bool, area: Any, events: Any
    ) -> "_Wanted":
        if method not in METHODS:
            raise OptionError(f"method={method!r}; wanted one of {list(METHODS)}.")
        if not isinstance(adaptive, bool | np.bool_):
            raise OptionError(f"adaptive={adaptive!r}; wanted True or False.")
        if adaptive and method == "fft":
            raise OptionError(
                'method="fft" spreads all events alike; adaptive=True needs method="exact".'
            )
        return cls(
            kernel=kernel_named(kernel),
            cell=metres(cell_size, name="cell_size"),
            fft=method == "fft",
            adaptive=bool(adaptive),
            area=_area(area, events),
        )


def _area(area: Any, events: Any) -> shapely.Geometry | None:
    if area is None:
        return None
    crs = getattr(events, "crs", None)  # what is wrong with the events is said later
    if isinstance(area, (gpd.GeoDataFrame, gpd.GeoSeries)):
        if area.crs is None:
            raise CRSError("the area has no CRS; state it with set_crs(...).")
        area = area.geometry.to_crs(crs).union_all() if crs is not None else area.union_all()
    if not isinstance(area, (shapely.Polygon, shapely.MultiPolygon)):
        kind = getattr(area, "geom_type", type(area).__name__)
        raise OptionError(f"area is a {kind}; wanted a Polygon or MultiPolygon.")
    if area.is_empty or not area.is_valid:
        why = "is empty" if area.is_empty else f"is not valid: {shapely.is_valid_reason(area)}"
        raise OptionError(f"area {why}; wanted a valid polygon (try .make_valid()).")
    return area


def _in_area(points: Points, area: shapely.Geometry | None) -> Points:
    if area is None:
        return points
    shapely.prepare(area)
    inside = shapely.intersects_xy(area, points.x, points.y)
    if not inside.any():
        raise SchemaError(
            f"none of the {len(inside):,} events lies in the area; check that both are of one "
            "place, and the area's CRS."
        )
    if inside.all():
        return points
    return points.only(inside, f"{int((~inside).sum()):,} events outside the area left out")


def _bandwidth(
    points: Points, bandwidth: Any, wanted: _Wanted
) -> tuple[float, Any, tuple[str, ...]]:
    """Return the bandwidth, and how it was selected where it was, with what to say about it."""
    selection = None
    notes: tuple[str, ...] = ()
    if isinstance(bandwidth, str) and bandwidth == "auto":
        from patrolmap.risk.density.bandwidth import planar_selection

        xy = np.column_stack([points.x, points.y])
        weight = np.broadcast_to(points.weight, len(xy)).copy()
        selection = planar_selection(xy, weight, kernel=wanted.kernel)
        bandwidth, notes = selection.at_least(wanted.cell, "cell_size")
        _log.info("bandwidth %g m chosen", bandwidth)
    elif isinstance(bandwidth, str):
        raise OptionError(f'bandwidth={bandwidth!r}; wanted metres, or "auto".')
    base = metres(bandwidth, name="bandwidth")
    if base < wanted.cell:
        raise OptionError(
            f"bandwidth={base:g} m is below cell_size={wanted.cell:g} m, so that events would fall "
            f"between the centres of cells; give cell_size={base / 5:g}, or at most {base:g}."
        )
    return base, selection, notes


def _prepared(
    points: Points, base: float, extent: Any, wanted: _Wanted
) -> tuple[Window, Points, Floats]:
    """Find the window, the points that reach it with what they weigh, and their bandwidths."""
    reach = np.array([base])
    if wanted.adaptive:
        reach = _adapted(points, base, wanted)
    window = _window(points, base, float(reach.max()), extent, wanted)
    if extent is not None:
        points, reach = _reaching(points, reach, window)
    weight = points.weight * (wanted.kernel.disc / reach**2)
    if wanted.area is not None:
        weight = weight / shares_inside(
            points.x, points.y, reach, wanted.kernel, wanted.area, window
        )
    return window, points._replace(weight=weight), reach


def _window(points: Points, base: float, widest: float, extent: Any, wanted: _Wanted) -> Window:
    if extent is not None:
        window = window_within(extent, wanted.cell)
    elif wanted.area is not None:
        window = window_over(wanted.area.bounds, wanted.cell)
    else:
        x, y, far = points.x, points.y, widest
        bounds = (x.min() - far, y.min() - far, x.max() + far, y.max() + far)
        return window_over(bounds, wanted.cell)
    across = wanted.cell * math.hypot(window.rows, window.columns)
    if base > across:
        raise OptionError(
            f"bandwidth={base:g} m is longer than the {'area' if extent is None else 'extent'} is "
            f"wide ({across:,.0f} m from corner to corner), so that all of it would look alike; "
            "give a smaller bandwidth."
        )
    return window


def _reaching(points: Points, reach: Floats, window: Window) -> tuple[Points, Floats]:
    """Leave out events that give nothing to the window."""
    west, north = window.west, window.north
    east, south = west + window.columns * window.cell, north - window.rows * window.cell
    near = (points.x > west - reach) & (points.x < east + reach)
    near &= (points.y > south - reach) & (points.y < north + reach)
    if near.all():
        return points, reach
    if not near.any():
        raise SchemaError(
            f"none of the {len(near):,} events reaches the extent; check that it is in the CRS of "
            "the events."
        )
    note = f"{int((~near).sum()):,} events too far from the extent to reach it left out"
    return points.only(near, note), reach if len(reach) == 1 else reach[near]


def _adapted(points: Points, base: float, wanted: _Wanted) -> Floats:
    """Return Abramson's bandwidths, from a pilot at the fixed one."""
    fixed = _Wanted(
        kernel=wanted.kernel, cell=wanted.cell, fft=False, adaptive=False, area=wanted.area
    )
    window, spread, one = _prepared(points, base, None, fixed)
    if wanted.area is not None:
        window = window.grown(1)
    pilot = _sums(spread, one, window, wanted.kernel)
    density = between(pilot, window, points.x, points.y)
    least = density[density > 0].min()  # weights of 0 far from all others leave nothing
    logs = np.log(np.maximum(density, least))
    mean = np.average(logs, weights=np.broadcast_to(points.weight, len(logs)))
    factor = np.exp((mean - logs) / 2)
    narrowest = max(base / MOST_ADAPTED, wanted.cell)
    reach: Floats = np.clip(base * factor, narrowest, base * MOST_ADAPTED)
    return reach


def _values(points: Points, reach: Floats, window: Window, wanted: _Wanted) -> Floats:
    if wanted.fft:
        values = binned_sums(
            points.x, points.y, points.weight, float(reach[0]), wanted.kernel, window
        )
    else:
        values = _sums(points, reach, window, wanted.kernel)
    if wanted.area is not None:
        values[covered(wanted.area, window) < 0.5] = np.nan
    return values


def _sums(points: Points, reach: Floats, window: Window, kernel: Kernel) -> Floats:
    from patrolmap._kernels.planar import kernel_sums

    sums: Floats = kernel_sums(
        points.x - window.west, window.north - points.y, reach, points.weight,
        shape=SHAPES[kernel.name], rows=window.rows, columns=window.columns, cell=window.cell,
    )  # fmt: skip
    return sums


SHAPES: dict[str, str | int] = {
    "uniform": 0, "epanechnikov": 1, "quartic": 2,
    "triangular": "triangular", "gaussian": "gaussian",
}  # fmt: skip
