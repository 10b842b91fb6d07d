"""Plan patrols: streets, risk and shifts in, a checked plan out."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.patrol.plan import Plan
from patrolmap.patrol.provenance import provenance_of
from patrolmap.patrol.services import Rules
from patrolmap.patrol.shifts import Shift
from patrolmap.patrol.stop import MaxRuntime, Progress, Stop, require_seed, time_for
from patrolmap.schema import require_type
from patrolmap.streets.network import StreetNetwork

BOUND_PART = 0.2  # of the time that the bound may take
MEND_PART, MEND_SECONDS = 0.3, 1.0  # that making routes keep what a search does not know may take

_log = logging.getLogger(__name__)


def plan_patrols(
    streets: StreetNetwork,
    risk: pd.Series | pd.DataFrame,
    shifts: Sequence[Shift],
    *,
    risk_by_kind: pd.DataFrame | None = None,
    rules: Rules = None,
    stop: Stop | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    relax: bool = False,
) -> Plan:
    """Lay a route for every crew of the shifts, to pass as much risk as their time allows.

    The problem is the team orienteering arc routing problem (Archetti, Speranza, Corberán,
    Sanchis & Plana 2014, doi 10.1287/trsc.2013.0477): each route is a connected walk from its
    depot, within its duration; every segment walked, in either direction, whole, collects; what
    a repeat pass earns is `PatrolRules.share_of_pass`.

    Parameters
    ----------
    streets
        The network to walk on.
    risk
        A Series indexed by segment_id, or a DataFrame with one column per time bin, named by the
        aware time it starts at; a pass then earns from the bin it begins in.
    shifts
        Who patrols; each crew gets one route.
    risk_by_kind
        The same risk, one column per map; only to say why a crew is where it is.
    rules
        For shifts without rules of their own; default `foot_day` on foot, `car` when driving.
        Services with rules of their own: a mapping from each shift's `service` to a `PatrolRules`
        or the name of a preset, e.g. `{"police": "foot_night", "national_guard": "foot_day"}`.
    stop
        When to stop: `MaxRuntime(30)` (default), `MaxIterations(n)`, or both with `|`. Compiling
        the kernels, some ten seconds on a machine's very first run, is not counted.
    seed
        The same seed and iteration limit give the same plan.
    progress
        Called between rounds with the share done (0 to 1), the best prize so far and the bound.
    relax
        Leave out the demands that cannot be met (a must-visit out of reach, a break that does not
        fit, a sector without its depot ...) and say so in the plan's notes, instead of raising.

    Returns
    -------
    Plan
        Risk collected is at least that of the routes the search started from; `gap` says how far
        from a proved bound it may still be.

    Raises
    ------
    OptionError, NetworkMismatchError, DepotError, InfeasibleError
        Naming what was given, what was wanted and the mend.

    Examples
    --------
    >>> import pandas as pd, patrolmap as pm
    >>> district = pm.datasets.sample()
    >>> streets = pm.read_streets(district.streets)
    >>> risk = pd.Series(1.0, index=streets.segments.index, name="risk")
    >>> depot = pm.Depot("square", lon=76.8605, lat=43.2305)
    >>> shift = pm.Shift(depot=depot, start="2026-11-22 20:00+05:00", duration="20min")
    >>> plan = pm.plan_patrols(streets, risk, [shift], stop=pm.MaxIterations(200))
    >>> bool(plan.routes["duration"].le(1200).all())
    True
    """
    from patrolmap._kernels.compiling import compile_clock

    require_seed(seed)
    require_type(streets, StreetNetwork, name="streets")
    shifts = [shifts] if isinstance(shifts, Shift) else list(shifts or ())
    stop = stop or MaxRuntime(30)
    with compile_clock() as compiling:
        started = time.monotonic()  # what is imported late counts, what is compiled does not
        from patrolmap.patrol.beat import confine
        from patrolmap.patrol.bound import upper_bound
        from patrolmap.patrol.candidates import choose, earning_units, reaches_of
        from patrolmap.patrol.excursions import with_trips
        from patrolmap.patrol.haste import Haste
        from patrolmap.patrol.layout import ground_of, lay_out
        from patrolmap.patrol.mend import mending_seconds
        from patrolmap.patrol.notes import ground_notes
        from patrolmap.patrol.relax import (
            build_relaxed,
            left_out,
            notes_on,
            relaxed_walks,
            without_duties,
        )
        from patrolmap.patrol.room import room_for
        from patrolmap.patrol.search import LAYOUT_PART, search
        from patrolmap.patrol.tables import plan_tables

        def elapsed() -> float:
            return time.monotonic() - started - compiling()

        asked = build_relaxed(streets, risk, shifts, rules, relax=relax)
        problem = asked.problem
        if risk_by_kind is not None:
            _require_kinds(streets, risk_by_kind)
        units = earning_units(problem)
        bound = upper_bound(problem, units, seconds=time_for(stop, BOUND_PART, elapsed()))
        if (confined := with_trips(confine(problem, relax=relax))) is not problem:
            problem = confined
            units = earning_units(problem)
        ground = ground_of(problem)
        reaches = reaches_of(problem, units)
        room = room_for(ground, time_for(stop, LAYOUT_PART, elapsed()))
        chosen = choose(
            units,
            ground.length[units.segment],
            reaches,
            share=float(ground.share.max()),
            most=room.tasks,
        )
        total = time_for(stop, 1.0, 0.0)
        most = max(MEND_PART * total, min(MEND_SECONDS, total / 2))
        mending = min(mending_seconds(problem), most) if total < np.inf else 0.0
        found = search(
            lay_out(ground, units, *chosen, room),
            stop=stop,
            seed=seed,
            elapsed=lambda: elapsed() + room.after + mending,
            progress=progress,
            bound=bound,
        )
        haste = Haste(elapsed=elapsed, until=total - room.after)
        left, walks, undone = relaxed_walks(asked, problem, found.orders, relax=relax, haste=haste)
        problem = left.problem
        if undone:  # what duties would have taken of the crews' time is theirs again
            freed = without_duties(asked.problem, undone)
            bound = max(bound, upper_bound(freed, earning_units(freed), seconds=haste.left))
        if compiling() > 1:
            _log.info("compiled the kernels in %.0f s; later runs find them on disk", compiling())
    tables = plan_tables(problem, walks, risk_by_kind)
    return Plan(
        routes=tables.routes,
        visits=tables.visits,
        segments=tables.segments,
        stops=tables.stops,
        unserved=tables.unserved,
        grounds=tables.grounds,
        provenance=provenance_of(
            problem,
            walks.total,
            bound=bound,
            attrs=risk.attrs,
            notes=(
                *risk.attrs.get("notes", ()),
                *ground_notes(problem),
                *left.notes,
                *notes_on(problem, undone),
            ),
            relaxed=left_out(problem, undone),
            seed=seed,
            iterations=found.iterations,
            runtime=found.seconds - room.after - mending,
        ),
    )


def _require_kinds(streets: StreetNetwork, risk_by_kind: pd.DataFrame) -> None:
    if not isinstance(risk_by_kind, pd.DataFrame):
        raise OptionError(
            f"risk_by_kind is a {type(risk_by_kind).__name__}; wanted a DataFrame with one column "
            "per map."
        )
    streets.require_own(risk_by_kind)
    if not risk_by_kind.index.is_unique:
        twice = risk_by_kind.index[risk_by_kind.index.duplicated()][:3].tolist()
        raise OptionError(f"risk_by_kind names segments more than once, e.g. {twice}.")
