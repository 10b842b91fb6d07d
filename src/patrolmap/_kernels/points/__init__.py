"""Team orienteering on points with a matrix of durations.

The compiler keeps its work on disk and looks only at the file of a kernel, not at those that it
calls: whoever edits one here touches the others too.
"""

from patrolmap._kernels.points.exact import reach_sets, share_sets, shortest
from patrolmap._kernels.points.improve import improve
from patrolmap._kernels.points.moves import fill, shrink
from patrolmap._kernels.points.pool import Pool, lay, new_pool
from patrolmap._kernels.points.state import (
    DIRTY,
    OUTSIDE,
    Points,
    State,
    copy_state,
    new_state,
    settle,
)

__all__ = [
    "DIRTY",
    "OUTSIDE",
    "Points",
    "Pool",
    "State",
    "copy_state",
    "fill",
    "improve",
    "lay",
    "new_pool",
    "new_state",
    "reach_sets",
    "settle",
    "share_sets",
    "shortest",
    "shrink",
]
