"""A tighter bound for a plan that exists, where minutes are there for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from patrolmap.errors import OptionError
from patrolmap.patrol.plan import Plan
from patrolmap.patrol.services import Rules
from patrolmap.patrol.shifts import Shift
from patrolmap.patrol.stop import is_number
from patrolmap.schema import require_type
from patrolmap.streets.network import StreetNetwork

if TYPE_CHECKING:
    import pandas as pd

# What must be as it was when the plan was made, or the bound would be one for something else.
SAME = ("fingerprint", "bins", "shifts", "durations", "rules")


def tighten_bound(
    plan: Plan,
    streets: StreetNetwork,
    risk: pd.Series | pd.DataFrame,
    shifts: Sequence[Shift],
    *,
    rules: Rules = None,
    seconds: float = 60.0,
) -> Plan:
    """Return the same plan with the tightest bound that can be proved in the time given.

    `plan_patrols` gives its bound a fifth of the time and stops where more work helps little; this
    goes on while it helps at all, and then branches, which closes the gap of small problems. What
    `relax=True` left out of the plan is left out of the bound's problem too. The linear program and
    its cuts are those of `patrolmap.patrol.bounds`.

    Parameters
    ----------
    plan
        As `plan_patrols` returned it.
    streets, risk, shifts, rules
        What it was made from; with `relax=True` or without, as they were given.
    seconds
        About how long to try, by the wall.

    Returns
    -------
    Plan
        `provenance.upper_bound` and `provenance.gap` are never worse than before.

    Raises
    ------
    OptionError
        If the plan was made from other streets, risk, shifts or rules.

    Examples
    --------
    >>> import pandas as pd, patrolmap as pm
    >>> streets = pm.read_streets(pm.datasets.sample().streets)
    >>> risk = pd.Series(1.0, index=streets.segments.index, name="risk")
    >>> depot = pm.Depot("square", lon=76.8605, lat=43.2305)
    >>> shift = pm.Shift(depot=depot, start="2026-11-22 20:00+05:00", duration="20min")
    >>> plan = pm.plan_patrols(streets, risk, [shift], stop=pm.MaxIterations(200))
    >>> tight = pm.tighten_bound(plan, streets, risk, [shift], seconds=1)
    >>> tight.provenance.gap <= plan.provenance.gap
    True
    """
    from patrolmap.patrol.bound import upper_bound
    from patrolmap.patrol.candidates import earning_units
    from patrolmap.patrol.provenance import provenance_of
    from patrolmap.patrol.relax import as_relaxed, build_relaxed, eased

    require_type(plan, Plan, name="plan")
    require_type(streets, StreetNetwork, name="streets")
    if not (is_number(seconds) and 0 < seconds < float("inf")):
        raise OptionError(f"seconds={seconds!r}; wanted a number above 0.")
    told = plan.provenance
    shifts = [shifts] if isinstance(shifts, Shift) else list(shifts or ())
    shifts = [eased(shift, rules, told.notes) for shift in shifts]
    problem = as_relaxed(
        build_relaxed(streets, risk, shifts, rules, relax=True).problem, told.shifts
    )
    asked = provenance_of(
        problem, told.prize, bound=told.upper_bound, attrs=risk.attrs, notes=(), runtime=0.0,
        relaxed={n: shift["relaxed"] for n, shift in told.shifts.items() if "relaxed" in shift},
    )  # fmt: skip
    other = [name for name in SAME if getattr(asked, name) != getattr(told, name)]
    if abs(asked.total_risk - told.total_risk) > 1e-6 * max(told.total_risk, 1e-9):
        other.append("total_risk")
    if other:
        raise OptionError(
            f"the plan was made from other {', '.join(other)} than those given; give what "
            "plan_patrols was given."
        )
    units = earning_units(problem)
    bound = upper_bound(problem, units, seconds=seconds, effort="tight", collected=told.prize)
    bound = max(min(bound, told.upper_bound), told.prize)
    gap = (bound - told.prize) / bound if bound > 0 else 0.0
    return replace(plan, provenance=replace(told, upper_bound=bound, gap=gap))
