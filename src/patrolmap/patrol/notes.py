"""What a plan says of rules that a reader of its routes must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from patrolmap.patrol.access import (
    closed_segments,
    no_go_segments,
    park_segments,
    unlit_segments,
)

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Problem
    from patrolmap.patrol.rules import PatrolRules

_UNLIT = {
    "avoid": "unlit streets are avoided at night",
    "slow": "unlit streets are walked slowly",
    "forbid": "unlit streets are not entered",
}
_UNKNOWN = {
    "lit": "count as lit",
    "unlit": "count as unlit",
    "by_class": "count as their highway class mostly is",
}


def ground_notes(problem: Problem) -> list[str]:
    """Return what rules of the ground meant for this plan: light, parks, areas, pairs."""
    kinds = list(dict.fromkeys(crew.rules for crew in problem.crews))
    notes = [n for rules in kinds for n in (*_light(problem, rules), *_closed(problem, rules))]
    apart = {rules.pair_apart for rules in kinds} - {None}
    for metres in sorted(m for m in apart if m is not None):
        how = "stay together" if metres == 0 else f"are at most {metres:g} m apart"
        notes.append(f"the members of a crew {how}: a rule that routes cannot show")
    return list(dict.fromkeys(notes))


def _light(problem: Problem, rules: PatrolRules) -> list[str]:
    if rules.unlit == "allow":
        return []
    segments = problem.streets.segments
    unknown = (segments["lit"] == "unknown").mean()
    dark = unlit_segments(segments, rules).mean()
    told = "" if rules.unknown_lit == "lit" else f"; {dark:.0%} are unlit so"
    return [
        f"{_UNLIT[rules.unlit]}; {unknown:.0%} of the segments have no lighting tag "
        f"and {_UNKNOWN[rules.unknown_lit]}{told}"
    ]


def _closed(problem: Problem, rules: PatrolRules) -> list[str]:
    notes = []
    if rules.no_parks_after is not None:
        ways = int(park_segments(problem.streets.segments).sum())
        notes.append(
            f"parks ({ways:,} segments) are closed from {rules.no_parks_after} to "
            f"{rules.parks_open}"
        )
    if rules.no_go:
        count = len(rules.no_go)
        notes.append(f"{count} no-go area{'s' if count > 1 else ''} left out")
    return notes


def closed_to_all(problem: Problem) -> npt.NDArray[np.str_]:
    """Return, for each segment, the rule for which no crew may earn on it, "" where none is."""
    segments = problem.streets.segments
    why = np.full(len(segments), "", dtype="<U16")
    zone = problem.clock.tz
    kinds = {(c.rules, c.shift.start.tz_convert(zone), c.shift.end) for c in problem.crews}
    masks = [
        (
            unlit_segments(segments, rules) & (rules.unlit in ("avoid", "forbid")),
            no_go_segments(segments, rules),
            closed_segments(segments, rules, start, end),
        )
        for rules, start, end in sorted(kinds, key=repr)
    ]
    dark, no_go, closed = (np.logical_and.reduce(parts) for parts in zip(*masks, strict=True))
    why[closed & park_segments(segments)] = "park closed"
    why[dark] = "unlit"
    why[no_go] = "no-go area"
    return why
