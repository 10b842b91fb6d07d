"""How large a search may be made, in memory and in the time that there is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from patrolmap.patrol.arcs import far_from

if TYPE_CHECKING:
    from patrolmap.patrol.layout import Ground

REACHED = 12_000_000  # terminals x nodes up to which no way between two tasks is cut short
MAX_CELLS = 280_000_000  # distances kept, all graphs together: 1.1 GB
PACE = 1e-7  # s a node that one search of the streets takes on a small office machine
BEGUN = 2e-3  # s more to begin it
PAIR = 4e-8  # s there for each pair of tasks: the tables, and the routes that a search starts from
NODE = 2.5e-7  # s there for each node that the ways from a terminal reach
AFTER_CREW, AFTER_SEGMENT = 1e-2, 2e-6  # s to walk the routes and to make the tables
TASK_SHARE, NODE_SHARE = 0.5, 0.3  # of the seconds, so that some are over
LEAST_TASKS, LEAST_NODES = 1000, 500_000


@dataclass(frozen=True, kw_only=True)
class Room:
    """How large a search may be made, so that laying it out leaves time to search."""

    tasks: int  # two terminals each
    nodes: int  # terminals x nodes that they reach
    after: float = 0.0  # s to keep for what comes after the search


def room_for(ground: Ground, seconds: float = np.inf) -> Room:
    """Return how much there is room for, in memory and in so many seconds.

    How fast this machine is now is told by how long one search of the streets takes.
    """
    tasks = int((MAX_CELLS / len(ground.graphs)) ** 0.5 / 2)
    if seconds == np.inf:
        return Room(tasks=tasks, nodes=REACHED)
    graph = ground.graphs[0]
    began = time.perf_counter()
    far_from(graph, int(ground.start[0]))
    pace = (time.perf_counter() - began) / (BEGUN + PACE * graph.n_nodes)
    cells = max(seconds, 0.0) / max(pace, 0.3) / len(ground.graphs)
    after = max(pace, 1.0) * (AFTER_CREW * len(ground.start) + AFTER_SEGMENT * len(ground.length))
    return Room(
        tasks=int(min(tasks, max(LEAST_TASKS, (TASK_SHARE * cells / PAIR) ** 0.5))),
        nodes=int(min(REACHED, max(LEAST_NODES, NODE_SHARE * cells / NODE))),
        after=min(after, max(seconds, 0.0)),
    )
