"""What a plan says of itself: what its shifts asked for, and what it was made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from patrolmap.patrol.plan import Provenance
from patrolmap.patrol.shifts import Depot

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Problem


def provenance_of(
    problem: Problem,
    prize: float,
    *,
    bound: float,
    attrs: dict[str, Any],
    notes: Sequence[str],
    runtime: float,
    seed: int = 0,
    iterations: int = 0,
    relaxed: Mapping[str, Sequence[Sequence[object]]] | None = None,
) -> Provenance:
    """Say how a plan came to be; `attrs` are those of the risk it collects."""
    left = relaxed or {}
    return Provenance(
        seed=seed,
        rules={str(crew.shift.name): crew.rules.to_dict() for crew in problem.crews},
        durations={str(crew.shift.name): crew.shift.seconds for crew in problem.crews},
        shifts={
            name: _asked(problem, crew) | ({"relaxed": list(left[name])} if name in left else {})
            for name, crew in ((str(crew.shift.name), crew) for crew in problem.crews)
        },
        bins=tuple(start.isoformat() for start in problem.bin_starts),
        prize=prize,
        upper_bound=bound,
        gap=max(0.0, (bound - prize) / bound) if bound > 0 else 0.0,
        total_risk=float(problem.prize.sum()),
        unit=str(attrs.get("unit", "count")),
        iterations=iterations,
        runtime=runtime,
        fingerprint=problem.streets.fingerprint,
        attribution=problem.streets.attribution,
        timezone=str(problem.clock.tz),
        notes=tuple(notes),
        versions=_versions(),
    )


def _asked(problem: Problem, crew: Crew) -> dict[str, Any]:
    """Return what a shift asked for, as plain values, for the plan's checker."""
    shift, nodes = crew.shift, problem.streets.nodes.index
    return {
        "start": shift.start.isoformat(),
        "mode": shift.mode,
        "crews": shift.crews,
        "service": shift.service,
        "depot": shift.depot.name,
        "end_depot": (shift.end_depot or shift.depot).name,
        "from_node": int(nodes[crew.start]),
        "to_node": int(nodes[crew.end]),
        "sector": None if shift.sector is None else shift.sector.wkt,
        "must_visit": [
            [one.name, one.lon, one.lat] if isinstance(one, Depot) else one
            for one in shift.must_visit
        ],
    }


def _versions() -> dict[str, str]:
    """Return what a plan was made with."""
    out = {}
    for name in ("patrolmap", "numpy", "pandas", "geopandas", "numba"):
        try:
            out[name] = version(name)
        except PackageNotFoundError:  # run from a source tree
            out[name] = "unknown"
    return out
