"""Search over oriented segments for the team orienteering arc routing problem.

The compiler keeps its work on disk and looks only at the file of a kernel, not at those that it
calls: an installation writes all files anew, but whoever edits one here touches the others too.
"""

from patrolmap._kernels.orienteering.improve import improve, shrink
from patrolmap._kernels.orienteering.refill import fill, sweep
from patrolmap._kernels.orienteering.routes import restore, retime, value
from patrolmap._kernels.orienteering.tables import (
    Bench,
    Crews,
    Routes,
    Tasks,
    copy_routes,
    empty_bench,
    empty_routes,
    timed,
)

__all__ = [
    "Bench",
    "Crews",
    "Routes",
    "Tasks",
    "copy_routes",
    "empty_bench",
    "empty_routes",
    "fill",
    "improve",
    "restore",
    "retime",
    "shrink",
    "sweep",
    "timed",
    "value",
]
