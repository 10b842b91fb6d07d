"""Whose rules hold for a shift: its own, its service's, or the plan's; and what they leave open."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import shapely

from patrolmap.errors import DepotError, InfeasibleError, OptionError
from patrolmap.patrol.rules import PatrolRules
from patrolmap.patrol.shifts import Depot, Shift

Rules = PatrolRules | Mapping[str, PatrolRules | str] | None


class SectorError(DepotError, InfeasibleError):
    """A shift's depot lies outside the sector that its crews must stay in."""


def require_rules(rules: Rules, shifts: Sequence[Shift]) -> None:
    """Raise `OptionError` unless `rules` are rules, or rules for each service that has none."""
    if rules is None or isinstance(rules, PatrolRules):
        return
    if not isinstance(rules, Mapping):
        raise OptionError(
            f"rules={rules!r}; wanted a PatrolRules, e.g. PatrolRules.preset('foot_night'), or one "
            "for each service: {'police': ..., 'national_guard': ...}."
        )
    services = {shift.service for shift in shifts}
    unknown = [service for service in rules if service not in services]
    if unknown:
        raise OptionError(
            f"rules name the services {unknown}; the shifts' services are {sorted(services)}."
        )
    for service, given in rules.items():
        if not isinstance(given, PatrolRules | str):
            raise OptionError(
                f"rules of service {service!r} are {given!r}; wanted a PatrolRules or a preset."
            )
    for shift in shifts:
        if shift.rules is None and shift.service not in rules:
            raise OptionError(
                f"rules have no entry for service {shift.service!r} of shift {shift.name!r}; add "
                "one, or give the shift rules of its own."
            )


def rules_of(shift: Shift, rules: Rules) -> PatrolRules:
    """Return a shift's rules: its own, else its service's or the plan's, else a preset.

    No-go areas of the plan's rules bind a shift with rules of its own too.
    """
    given = rules.get(shift.service) if isinstance(rules, Mapping) else rules
    if isinstance(given, str):
        given = PatrolRules.preset(given)
    own = shift.rules
    if isinstance(own, PatrolRules):
        more = () if given is None else tuple(a for a in given.no_go if a not in own.no_go)
        return replace(own, no_go=(*own.no_go, *more)) if more else own
    if given is not None:
        return given
    return PatrolRules.preset("foot_day" if shift.mode == "walk" else "car")


def opened(shift: Shift, rules: Rules) -> Shift:
    """Return a shift that may go everywhere, by its own rules else: to score what others drew."""
    own = rules_of(shift, rules)
    unlit = "allow" if own.unlit == "forbid" else own.unlit
    free = replace(own, unlit=unlit, no_parks_after=None, no_go=(), beat=None)
    return replace(shift, sector=None, rules=free)


def limits(rules: PatrolRules) -> list[str]:
    """Return, in words, the rules that may close streets."""
    out = []
    if rules.unlit == "forbid":
        out.append("unlit='forbid'")
    if rules.no_parks_after is not None:
        out.append(f"no_parks_after={rules.no_parks_after!r}")
    if rules.no_go:
        out.append(f"no_go ({len(rules.no_go)} area{'s' if len(rules.no_go) > 1 else ''})")
    return out


def or_others(rules: PatrolRules) -> str:
    """Name, as a mend, the rules that may close streets; nothing where none does."""
    return f", or other rules than {' and '.join(limits(rules))}" if limits(rules) else ""


def where_left(shift: Shift, rules: PatrolRules) -> str:
    """Say which streets are meant where none is left."""
    where = "in its sector" if shift.sector is not None else "in these streets"
    named = limits(rules)
    return f"{where} that {', '.join(named)} leave{'s' if len(named) == 1 else ''} open" if named \
        else where  # fmt: skip


def require_in_sector(shift: Shift, depot: Depot, distance: float) -> None:
    """Raise where a depot that is far from the streets left to its shift is outside its sector."""
    if shift.sector is None or shift.sector.covers(shapely.Point(depot.lon, depot.lat)):
        return
    west, south, east, north = shift.sector.bounds
    raise SectorError(
        f"depot {depot.name!r} (lon={depot.lon:g}, lat={depot.lat:g}) lies outside the sector of "
        f"shift {shift.name!r} (lon {west:g} to {east:g}, lat {south:g} to {north:g}), "
        f"{distance:,.0f} m from its nearest street; crews must stay in their sector: move the "
        "depot, give the shift another one, or the sector another edge.",
        shift=str(shift.name), demand="sector",
    )  # fmt: skip
