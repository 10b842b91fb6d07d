"""The bandwidth that the events themselves speak for: leave-one-out likelihood over a grid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap._crs import point_coordinates, require_metres
from patrolmap.errors import OptionError, SchemaError
from patrolmap.risk.density.kernels import Kernel, kernel_named
from patrolmap.risk.density.likelihood import RESOLUTION, LeftOut, network_left_out, planar_left_out
from patrolmap.risk.density.points import event_weights, require_places
from patrolmap.streets.network import StreetNetwork
from patrolmap.streets.snap import snap_events

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LeaveOut = Literal["event", "place"]
Method = Literal["esd", "esc", "simple"]

METHODS = ("esd", "esc", "simple")
LEAVE_OUT = ("event", "place")
NETWORK_BANDWIDTHS = (50, 65, 80, 100, 125, 150, 200, 250, 300, 400, 500, 650, 800, 1000)
PLANAR_BANDWIDTHS = (*NETWORK_BANDWIDTHS, 1250, 1500, 2000)
_NETWORK_PLACES, _PLANAR_PLACES = 4_000, 20_000  # how many places are scored


@dataclass(frozen=True, kw_only=True)
class BandwidthSelection:
    """Which bandwidth predicts left-out events best, and how well each does.

    Attributes
    ----------
    best : float
        Metres: the bandwidth with the highest score, the smaller of equals.
    curve : DataFrame
        Index bandwidth (m, ascending); columns score (see `unit`) and alone (share of the
        events' weight to which no other event gives anything).
    unit : str
        What the score measures.
    notes : tuple of str
        What a reader must know.
    """

    best: float
    curve: pd.DataFrame
    unit: str
    notes: tuple[str, ...] = ()

    def at_least(self, least: float, name: str) -> tuple[float, tuple[str, ...]]:
        """Return the best bandwidth, or `least` where that is more, and what to say about it.

        Examples
        --------
        >>> import pandas as pd
        >>> curve = pd.DataFrame({"score": [-14.0]}, index=pd.Index([50.0], name="bandwidth"))
        >>> BandwidthSelection(best=50.0, curve=curve, unit="").at_least(200, "cell_size")
        (200.0, ('the bandwidth chosen, 50 m, is raised to cell_size, 200 m',))
        """
        if self.best >= least:
            return self.best, self.notes
        raised = f"the bandwidth chosen, {self.best:g} m, is raised to {name}, {least:g} m"
        return float(least), (*self.notes, raised)

    def __repr__(self) -> str:
        lines = [f"<BandwidthSelection {self.best:g} m, by {self.unit}"]
        for bandwidth, row in self.curve.iterrows():
            mark = "  best" if bandwidth == self.best else ""
            lines.append(f"  {bandwidth:>7g} m {row['score']:10.4f}{mark}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)]) + ">"


def select_bandwidth(
    events: gpd.GeoDataFrame,
    streets: StreetNetwork | None = None,
    *,
    bandwidths: Sequence[float] | None = None,
    kernel: str = "quartic",
    method: Method = "esd",
    weights: Any = None,
    max_snap: float = 50.0,
    leave_out: LeaveOut = "event",
) -> BandwidthSelection:
    """Choose the bandwidth whose density expects each event best from all the others.

    Parameters
    ----------
    events
        Points: in any CRS with `streets`, in a metric one without.
    streets
        With streets, distances and densities are along them; without, in the plane.
    bandwidths
        Metres to choose from. Default: 50 to 1,000 m along streets, 50 to 2,000 m in the plane, in
        steps of about a quarter.
    kernel
        "quartic", "epanechnikov", "triangular", "uniform" or "gaussian".
    method
        The network kernel, as in `network_kde`; without meaning in the plane. The simple one is
        scaled so that all events together integrate to 1, for otherwise the greatest bandwidth
        would always win.
    weights : (n_events,) numbers, 0 or more, optional
        What each event counts for, both in the density and in the score; default 1 each.
    max_snap
        Metres from a walkable street beyond which an event is left out; without meaning in the
        plane.
    leave_out
        What is hidden from the density that must expect an event: the "event" alone, so that
        others of the same address speak for it, as they will for tomorrow's; or its whole "place",
        so that what is asked is how well streets without any event are told from each other. Take
        "place" for the smooth density to which each segment's own count is added (shrinkage).

    Returns
    -------
    BandwidthSelection

    Raises
    ------
    OptionError
        If an option is out of its range.
    SchemaError
        If events lie at fewer than two places, one has no place on the map, or a weight is no
        number or below 0.
    CRSError
        If the events have no CRS, or degrees where metres are needed.

    Notes
    -----
    The score at bandwidth B is the weighted mean over events of log f_B(x_i), where

        f_B(x_i) = (sum over j != i of w_j K_B(x_i, x_j) + w / A) / (sum over j != i of w_j + w)

    is the density of the other events beside one more, of mean weight w, spread evenly over all A
    metres of walkable street (in the plane, over the events' convex hull, 25 m wider). Without it
    one event out of everybody's reach would give minus infinity, and decide alone.

    Events that stand on each other, as calls do on addresses, would make the best bandwidth 0.
    So those of the same metre count as being anywhere within 25 m to either side (in the plane,
    25 m around): K_B is averaged over that. Distances from 10 to 50 m give choices a step apart.

    Chosen so from Portland's August and from three years of Pittsburgh, the bandwidth was that
    which expected the next month's or year's events best, or a step below it; with places left
    out, that which expected best the events on segments that had none.

    Every pair of places is met once for all bandwidths; of more than 4,000 places along streets,
    or 20,000 in the plane, every so-many-th is scored (all of them speak). The continuous kernel
    ("esc") falls below 0, which has no likelihood; it is given the discontinuous one's choice, of
    the same reach and mass.

    References
    ----------
    Habbema, Hermans & van den Broek (1974), *A stepwise discriminant analysis program using density
    estimation*; Loader (1999), doi 10.1214/aos/1018031201. On networks: McSwiggan, Baddeley & Nair
    (2017), doi 10.1111/sjos.12255; Okabe & Sugihara (2012), doi 10.1002/9781119967101.

    Examples
    --------
    >>> import geopandas as gpd, numpy as np
    >>> from shapely import Point
    >>> at = np.random.default_rng(1).normal(0, 300, size=(200, 2)) + [656_000, 4_790_000]
    >>> events = gpd.GeoDataFrame(geometry=[Point(*xy) for xy in at], crs=32643)
    >>> choice = select_bandwidth(events, bandwidths=[100, 300, 600, 1200])
    >>> choice
    <BandwidthSelection 300 m, by mean log-likelihood of a left-out event (density per square metre)
          100 m   -14.6338
          300 m   -14.1175  best
          600 m   -14.1577
         1200 m   -14.6460
      200 events at 200 places>
    """
    shape = kernel_named(kernel)
    grid = _grid(bandwidths, planar=streets is None)
    _one_of("method", method, METHODS)
    _one_of("leave_out", leave_out, LEAVE_OUT)
    if not isinstance(events, gpd.GeoDataFrame):
        raise SchemaError(f"events are a {type(events).__name__}; wanted a GeoDataFrame of points.")
    weight = np.broadcast_to(event_weights(weights, events), len(events)).astype(np.float64)
    if streets is None:
        require_metres(events.crs, what="the table of events")
        xy = np.column_stack(point_coordinates(events.geometry))
        x, y = xy.T
        require_places(events, np.isfinite(x) & np.isfinite(y))
        return planar_selection(xy, weight, bandwidths=grid, kernel=shape, leave_out=leave_out)
    found = snap_events(events, streets, max_distance=max_snap)
    snapped = found["segment_id"].notna().to_numpy()
    if len(events) and not snapped.any():
        raise SchemaError(
            f"all {len(events):,} events lie farther than {max_snap:g} m from any walkable street; "
            "check that events and streets are of one place, or raise max_snap."
        )
    selection = network_selection(
        streets,
        streets.segments.index.get_indexer(found["segment_id"][snapped]).astype(np.int64),
        found["offset"].to_numpy()[snapped],
        weight[snapped],
        bandwidths=grid,
        kernel=shape,
        method=method,
        leave_out=leave_out,
    )
    if snapped.all():
        return selection
    far = f"{(~snapped).sum():,} events farther than {max_snap:g} m from any street left out"
    return replace(selection, notes=(*selection.notes, far))


def planar_selection(
    xy: Floats,
    weight: Floats,
    *,
    kernel: Kernel,
    bandwidths: Floats | None = None,
    leave_out: LeaveOut = "event",
) -> BandwidthSelection:
    """Choose a bandwidth in the plane from coordinates in metres, as `select_bandwidth` does."""
    grid = _grid(bandwidths, planar=True)
    xy, weight = xy[weight > 0], weight[weight > 0]
    _require_places(len(xy))
    left = planar_left_out(xy, weight, grid, kernel, _PLANAR_PLACES)
    twin = np.array([_disc_share(kernel, RESOLUTION / b) for b in grid])
    twin /= math.pi * RESOLUTION**2
    return _selection(left, weight, grid, twin, leave_out, "square metre")


def network_selection(
    streets: StreetNetwork,
    segment: Ints,
    offset: Floats,
    weight: Floats,
    *,
    kernel: Kernel,
    bandwidths: Floats | None = None,
    method: Method = "esd",
    leave_out: LeaveOut = "event",
) -> BandwidthSelection:
    """Choose a bandwidth along streets from snapped events, as `select_bandwidth` does.

    Parameters
    ----------
    segment, offset : (n_events,) int64, float64
        Row of the walkable segment in `streets.segments`, and metres from its start.
    weight : (n_events,) float64
        0 or more.
    """
    grid = _grid(bandwidths, planar=False)
    some = weight > 0
    segment, offset, weight = segment[some], offset[some], weight[some]
    _require_places(len(segment))
    left = network_left_out(streets, segment, offset, weight, grid, kernel, method, _NETWORK_PLACES)
    twin = np.array([_line_share(kernel, RESOLUTION / b) for b in grid]) / (2 * RESOLUTION)
    selection = _selection(left, weight, grid, twin, leave_out, "metre of street")
    if method != "esc":
        return selection
    note = "esc falls below 0, which has no likelihood: scored as esd, of the same reach and mass"
    return replace(selection, notes=(*selection.notes, note))


def _selection(
    left: LeftOut, weight: Floats, grid: Floats, twin: Floats, leave_out: LeaveOut, per: str
) -> BandwidthSelection:
    """Score each bandwidth; `twin` is K_B for events of the same place."""
    _require_places(left.places)
    scored = left.place >= 0
    order = np.lexsort((weight[scored], left.place[scored]))  # the events' order changes no bit
    place, own = left.place[scored][order], weight[scored][order]
    same = left.held[place] - own if leave_out == "event" else np.zeros(len(own))
    hidden = own if leave_out == "event" else left.held[place]
    mean = weight.sum() / len(weight)
    rest = math.fsum(weight) - hidden + mean
    rows = []
    for k in range(len(grid)):
        given = np.maximum(left.others[place, k], 0.0) + same * twin[k]
        density = (given + mean / left.extent) / rest
        alone = own[given <= 0].sum() / own.sum()
        rows.append((own @ np.log(density) / own.sum(), alone))
    curve = pd.DataFrame(rows, index=pd.Index(grid, name="bandwidth"), columns=["score", "alone"])
    best = float(curve["score"].idxmax())
    notes = [f"{len(weight):,} events at {left.places:,} places"]
    if len(left.held) < left.places:
        notes[0] += f", of which {len(left.held):,} are scored"
    if len(grid) > 1 and best in (grid[0], grid[-1]):
        end = "smallest" if best == grid[0] else "largest"
        notes.append(f"the best is the {end} bandwidth tried: try others beyond it")
    unit = f"mean log-likelihood of a left-out {leave_out} (density per {per})"
    return BandwidthSelection(best=best, curve=curve, unit=unit, notes=tuple(notes))


def _line_share(kernel: Kernel, u: float) -> float:
    """Return the share of a kernel on a line that lies within u bandwidths of its middle."""
    if u >= 1:
        return 1.0
    x, w = np.polynomial.legendre.leggauss(16)
    return float(2 * kernel.line * (w @ kernel.at(u * (x + 1) / 2)) * u / 2)


def _disc_share(kernel: Kernel, u: float) -> float:
    """Return the share of a kernel in the plane that lies within u bandwidths of its middle."""
    if u >= 1:
        return 1.0
    x, w = np.polynomial.legendre.leggauss(16)
    r = u * (x + 1) / 2
    return float(2 * math.pi * kernel.disc * (w @ (r * kernel.at(r))) * u / 2)


def _grid(bandwidths: Sequence[float] | Floats | None, *, planar: bool) -> Floats:
    if bandwidths is None:
        return np.array(PLANAR_BANDWIDTHS if planar else NETWORK_BANDWIDTHS, dtype=np.float64)
    try:
        grid = np.unique(np.asarray(bandwidths, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"bandwidths={bandwidths!r}; wanted a list of metres such as [100, 200, 400]."
        ) from error
    if grid.ndim != 1 or len(grid) == 0 or not (np.isfinite(grid) & (grid > 0)).all():
        raise OptionError(
            f"bandwidths={bandwidths!r}; wanted finite metres above 0, such as [100, 200, 400]."
        )
    return grid


def _require_places(n: int) -> None:
    if n < 2:
        raise SchemaError(
            "the events lie at fewer than two places (or weigh nothing), which tells nothing "
            "about a bandwidth; give one in metres."
        )


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise OptionError(f"{name}={value!r}; wanted one of {list(allowed)}.")
