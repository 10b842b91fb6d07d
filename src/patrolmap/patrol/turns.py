"""What turning costs: off the street one walks on, and round on the spot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from patrolmap.streets.network import Graph, StreetNetwork

if TYPE_CHECKING:
    from patrolmap.patrol.rules import PatrolRules

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

OFTEN = 0.25  # of the crossings where a street goes on, those at which a route leaves it


def turn_seconds(rules: PatrolRules, street: Any, segment: Ints, forward: Any) -> Floats:
    """Return the seconds that each step of a walk loses before it.

    `u_turn_cost` where it goes back along the segment just walked, else `turn_cost` where its
    street (`street_id`) is another than that of the step before. The first step loses none.

    Parameters
    ----------
    street : (n,) object
        street_id of each step.
    segment, forward : (n,)
        What is walked, and which way.
    """
    cost = np.zeros(len(segment))
    back = (segment[1:] == segment[:-1]) & (forward[1:] != forward[:-1])
    off = street[1:] != street[:-1]
    cost[1:] = np.where(back, rules.u_turn_cost, np.where(off, rules.turn_cost, 0.0))
    return cost


def turns_cost(rules: PatrolRules) -> bool:
    """Return whether any turn costs time."""
    return rules.turn_cost > 0 or rules.u_turn_cost > 0


def planning_lengths(streets: StreetNetwork, graph: Graph, rules: PatrolRules, mm: Ints) -> Ints:
    """Return segment lengths in which what turns cost on average is contained.

    A search knows no turns. At an end where no other segment of its street goes on, a segment can
    only be entered by a turn; elsewhere by one in about `OFTEN` times; half of it is reckoned for
    each of the two ends, and half a U-turn at a dead end. The walk made afterwards counts its
    turns one by one.
    """
    per_second = rules.speed * 1000
    ends, n = streets.ends, len(mm)
    usable = np.zeros(n, dtype=bool)
    usable[graph.segment] = True
    street = streets.segments["street_id"].factorize()[0].astype(np.int64)
    extra = np.zeros(n)
    for node in ends:
        goes_on = _partners(node, street, ends, usable) > 1
        dead = _degree(ends, usable, graph.n_nodes)[node] <= 1
        turn = np.where(goes_on, OFTEN, 1.0) * rules.turn_cost
        extra += np.where(dead, rules.u_turn_cost, turn) / 2 * per_second
    return mm + np.rint(np.where(usable, extra, 0.0)).astype(np.int64)


def _partners(node: Ints, street: Ints, ends: tuple[Ints, Ints], usable: Bools) -> Ints:
    """Return how many ends of segments of the same street meet at each segment's node."""
    width = int(street.max(initial=0)) + 1
    keys = np.sort(np.concatenate([end[usable] * width + street[usable] for end in ends]))
    wanted = node * width + street
    found: Ints = np.searchsorted(keys, wanted, "right") - np.searchsorted(keys, wanted, "left")
    return found


def _degree(ends: tuple[Ints, Ints], usable: Bools, n_nodes: int) -> Ints:
    found = np.zeros(n_nodes, dtype=np.int64)
    for end in ends:
        found += np.bincount(end[usable], minlength=n_nodes)
    return found


def with_lengths(graph: Graph, mm: Ints) -> Graph:
    """Return a graph with other lengths, the same one where none differs."""
    lengths = mm[graph.segment]
    return graph if np.array_equal(lengths, graph.length) else replace(graph, length=lengths)
