"""How long a crew is out: its shift, less what is said at the depots and by radio."""

from patrolmap.errors import InfeasibleError
from patrolmap.patrol.rules import PatrolRules
from patrolmap.patrol.shifts import Shift
from patrolmap.patrol.stop import written


def seconds_out(shift: Shift, rules: PatrolRules) -> float:
    """Return the most seconds that a crew is neither at its depots nor on the radio."""
    at_depots = rules.seconds_of("briefing") + rules.seconds_of("handover")
    seconds = shift.seconds - rules.seconds_of("handover")
    if seconds > 0 and not rules.report_at:
        seconds = rules.seconds_between(seconds)
    seconds -= rules.seconds_of("briefing")
    if seconds <= 0:
        demand = str(time_taker(shift, rules, seconds))
        raise InfeasibleError(
            f"shift {shift.name!r}: of {written(shift.seconds)}, briefing and handover take "
            f"{at_depots / 60:,.0f} min and reports the rest ({demand}): no time is left to "
            "patrol; shorten them, or give the shift more time.",
            shift=str(shift.name), demand=demand,
        )  # fmt: skip
    return seconds


def time_taker(shift: Shift, rules: PatrolRules, seconds: float) -> str | None:
    """Return a rule that takes time at the depots or by radio, if one does."""
    on = [d for d in ("briefing", "handover", "report_every") if getattr(rules, d) is not None]
    return on[0] if on and seconds < shift.seconds else None


def said_time(shift: Shift, seconds: float) -> str:
    """Say how long a crew is out."""
    whole = written(shift.seconds)
    if seconds == shift.seconds:
        return whole
    return f"the {seconds / 60:,.0f} min of {whole} that briefing and reports leave"
