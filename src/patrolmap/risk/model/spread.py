"""From snapped events to the compiled kernel: piles of events at one place, arcs of one network."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from patrolmap.risk.density.kernels import kernel_named
from patrolmap.risk.density.likelihood import polynomial
from patrolmap.streets.network import Graph, StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TOLERANCE = 1e-4
"""Share of its event below which a branch is followed no further (see `_kernels.network`)."""

_GRID_MM = 100  # events of the same 0.1 m of a street make one pile
# Within a metre of a node an event counts as on it: coordinates are no better than that, and to
# which of the streets there it was snapped is chance, while the kernel would halve on that street
# alone (spNetwork does the same).
_AT_NODE_MM = 1000


class Piles(NamedTuple):
    """Distinct places of events, and what lies there (CSR by pile)."""

    segment: Ints
    offset: Floats
    indptr: Ints
    column: Ints
    weight: Floats
    home: Ints


class Spread(NamedTuple):
    """Weighted events spread over whole segments.

    Attributes
    ----------
    mass : (n_bandwidths, n_segments, n_columns) float64
        Columns sum to their events' weights; the order of the events changes no bit of it.
    own : (n_bandwidths, n_segments, n_columns) float64
        The part of `mass` that a segment has from the events snapped to it.
    counts : (n_segments, n_columns) float64
        The weight snapped to each segment.
    early : float
        Share of the weight that may lie nearer to its event than it should, by the tolerance.
    """

    mass: Floats
    own: Floats
    counts: Floats
    early: float


def spread_events(
    streets: StreetNetwork,
    segment: Ints,
    offset: Floats,
    column: Ints,
    weight: Floats,
    *,
    n_columns: int,
    bandwidths: Sequence[float],
    kernel: str = "quartic",
    tolerance: float = TOLERANCE,
) -> Spread:
    """Spread weighted events over the walkable streets around them, equally at junctions.

    Parameters
    ----------
    streets
        Network the events were snapped to, for walking.
    segment, offset : (n_events,) int64, float64
        Row of the segment in `streets.segments`, and metres from its start.
    column, weight : (n_events,) int64, float64
        Which column of the result each event belongs to, and how much it weighs there.
    n_columns
        How many columns there are.
    bandwidths
        In metres along the streets, ascending.
    kernel
        A name of `patrolmap.risk.density.kernels.KERNELS`.
    tolerance
        As in `_kernels.network.spread`.
    """
    from patrolmap._kernels.network import spread  # compiles, or loads what was compiled

    graph = streets.graph("walk")
    arc_of = np.full((len(streets.segments), 2), -1, dtype=np.int64)
    arc_of[graph.segment, np.where(graph.forward, 0, 1)] = np.arange(len(graph.segment))
    place = _places(graph, arc_of, streets.length_mm, segment, offset)
    piles = _pile_up(*place, column, weight, segment)
    integral, step = integral_of(kernel)
    mass, own, early = spread(
        graph.indptr, graph.head, graph.segment, graph.forward, graph.length, arc_of,
        piles.segment, piles.offset, piles.indptr, piles.column, piles.weight, piles.home,
        n_columns, np.array(bandwidths, dtype=np.float64), integral, step, tolerance,
    )  # fmt: skip
    of_pile = np.add.reduceat(piles.weight, piles.indptr[:-1])
    total = of_pile.sum()
    return Spread(
        mass, own, count(piles.home, piles.column, piles.weight, mass.shape[1:]),
        float(early @ of_pile / total) if total > 0 else 0.0,
    )  # fmt: skip


def count(segment: Ints, column: Ints, weight: Floats, shape: tuple[int, int]) -> Floats:
    """Add up weights by segment and column, in one order whatever the order of the events."""
    order = np.lexsort((weight, column, segment))
    cell = (segment * shape[1] + column)[order]
    flat = np.bincount(cell, weights=weight[order], minlength=shape[0] * shape[1])
    return flat.astype(np.float64).reshape(shape)


def integral_of(kernel: str) -> tuple[Floats, int]:
    """Return coefficients c and a step s: one side's integral is u * sum(c_p u**(s p)), to 1/2.

    Examples
    --------
    >>> integral, step = integral_of("quartic")
    >>> integral.round(9).tolist(), step
    ([0.9375, -0.625, 0.1875], 2)
    """
    powers, step = polynomial(kernel_named(kernel))
    integral = powers / (1 + step * np.arange(len(powers)))
    return integral / (2 * integral.sum()), step


def _places(
    graph: Graph, arc_of: Ints, length_mm: Ints, segment: Ints, offset: Floats
) -> tuple[Ints, Ints]:
    """Round offsets to the grid (mm); put events at a node all on the same of its arcs."""
    whole = length_mm[segment]
    exact = np.clip(np.rint(offset * 1000).astype(np.int64), 0, whole)
    ends = np.minimum(exact, whole - exact) <= _AT_NODE_MM
    at = np.clip((exact + _GRID_MM // 2) // _GRID_MM * _GRID_MM, 0, whole)
    along, against = arc_of[segment[ends], 0], arc_of[segment[ends], 1]
    at_start = 2 * exact[ends] < whole[ends]
    node = np.where(at_start, graph.head[against], graph.head[along])
    first = graph.indptr[node]
    place, at = segment.copy(), at.copy()
    place[ends] = graph.segment[first]
    at[ends] = np.where(graph.forward[first], 0, length_mm[place[ends]])
    return place, at


def _pile_up(segment: Ints, at_mm: Ints, column: Ints, weight: Floats, home: Ints) -> Piles:
    """Group events by place, column and home; sorted by weight too, so that sums repeat exactly."""
    order = np.lexsort((weight, home, column, at_mm, segment))
    segment, at_mm = segment[order], at_mm[order]
    column, home = column[order], home[order]
    new_pile = np.ones(len(order), dtype=bool)
    new_pile[1:] = (np.diff(segment) != 0) | (np.diff(at_mm) != 0)
    new_entry = new_pile.copy()
    new_entry[1:] |= (np.diff(column) != 0) | (np.diff(home) != 0)
    entries, starts = np.flatnonzero(new_entry), np.flatnonzero(new_pile)
    return Piles(
        segment=segment[starts],
        offset=at_mm[starts] / 1000,
        indptr=np.append(np.searchsorted(entries, starts), len(entries)),
        column=column[entries],
        weight=np.add.reduceat(weight[order], entries),
        home=home[entries],
    )
