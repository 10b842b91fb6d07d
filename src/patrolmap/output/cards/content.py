"""A crew's card before it is printed: everything it says, in the reader's language."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from patrolmap.output._legs import MOVING, Step, Walks, legs, path, steps_by_route
from patrolmap.output._named import named_in
from patrolmap.output._style import crew_colours
from patrolmap.output._text import one_line, span
from patrolmap.output.cards.layout import Layout, laid_out
from patrolmap.output.cards.looks import Look, looks_of, past_events
from patrolmap.output.cards.rows import lettered, rows_of
from patrolmap.output.cards.wording import Words
from patrolmap.patrol.plan import Plan
from patrolmap.patrol.stop import is_number


@dataclass(frozen=True, kw_only=True)
class Card:
    """What one crew is told."""

    route_id: str
    name: str
    facts: tuple[tuple[str, str], ...]
    layout: Layout
    told: str  # how many legs there are, and in how many lines
    looks: tuple[Look, ...]
    emergency: tuple[str, ...]
    line: Any  # (n, 2), every vertex walked
    depot: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class Book:
    """All cards of a plan and the plan itself, its streets named in the reader's language."""

    plan: Plan
    walks: Walks
    cards: tuple[Card, ...]
    legs: dict[str, int]
    emergency: tuple[str, ...]


def told_in(
    plan: Plan, say: Words, *, events: Any = None, emergency: Sequence[str] | None = None
) -> Book:
    """Return all that the cards of a plan say.

    Raises
    ------
    SchemaError
        If the plan's tables do not belong together, or `events` is no event table.
    """
    named = named_in(plan, say.lang)
    walks = steps_by_route(named)
    past = None if events is None or not len(plan.routes) else past_events(events, named)
    given = None if emergency is None else tuple(map(one_line, emergency))
    told = legs(named, walks)
    owner = told.index.get_level_values("route_id")
    colours, passed = crew_colours(named.routes.index), named.share_passed()
    cards = []
    for route_id, row in named.routes.iterrows():
        mine, steps = told[owner == route_id], walks[str(route_id)]
        looks = looks_of(named, steps, past, say)
        letters = {look.point: look.letter for look in looks if not look.lines}
        rows = rows_of(mine, by_car=row["mode"] == "drive")
        layout = laid_out(lettered(rows, letters), say)
        cards.append(
            Card(
                route_id=str(route_id),
                name=crew_name(row, say),
                facts=tuple(_facts(row, steps, float(passed[route_id]), say)),
                layout=layout,
                told=_told(len(mine), layout, say),
                looks=tuple(looks),
                emergency=_told_of_need(_apart(plan, row["shift"]), given, say),
                line=path(steps)[0],
                depot=one_line(row["depot"]),
                colour=colours[str(route_id)][0],
            )
        )
    counts = {card.route_id: int((owner == card.route_id).sum()) for card in cards}
    return Book(
        plan=named, walks=walks, cards=tuple(cards), legs=counts,
        emergency=_told_of_need(None, given, say),
    )  # fmt: skip


def crew_name(row: pd.Series, say: Words) -> str:
    """Name a crew by its shift and number."""
    return say("{shift} · crew {n}", shift=one_line(row["shift"]), n=row["crew"])


def _facts(
    row: pd.Series, steps: Sequence[Step], passed: float, say: Words
) -> Iterator[tuple[str, str]]:
    ends = one_line(row["depot"])
    if row["depot"] != row["end_depot"]:
        ends = say("{depot}, ends at {end}", depot=ends, end=one_line(row["end_depot"]))
    yield say("Depot"), ends
    yield say("Time"), span(row["start"], row["end"], say.lang)
    yield say("Length"), _length(row, steps, say)
    yield say("Service"), say.word(row["service"])
    yield say("Share of risk"), say.share(passed)
    stands = pd.Series([step.activity for step in steps if step.activity not in MOVING], dtype=str)
    if len(stands):
        counts = stands.value_counts(sort=False)
        said = [f"{say.word(what)} {n}" for what, n in counts.items()]
        yield say("Stands"), ", ".join(said)


def _length(row: pd.Series, steps: Sequence[Step], say: Words) -> str:
    """Say how far a crew goes, and how: by car, and on foot from it."""
    if row["mode"] != "drive":
        return say("{km} on foot", km=say.metres(row["length"]))
    walked = sum(step.length for step in steps if step.activity == "walk")
    driven = sum(step.length for step in steps if step.activity == "drive")
    by_car = [say("{km} by car", km=say.metres(driven))] if driven or not walked else []
    on_foot = [say("{km} on foot", km=say.metres(walked))] if walked else []
    return ", ".join(by_car + on_foot)


def _told(legs_: int, layout: Layout, say: Words) -> str:
    lines = len(layout.rows)
    told = say.count("{n} leg", "{n} legs", legs_)
    if lines < legs_:
        told += " " + say.count("in {n} line", "in {n} lines", lines)
    return told


def _apart(plan: Plan, shift: object) -> float | None:
    """Return how far apart (m) the rules of a shift let the members of a crew be, if they say."""
    rules = plan.provenance.rules
    own = rules.get(str(shift)) if isinstance(rules, Mapping) else None
    said = own.get("pair_apart") if isinstance(own, Mapping) else None
    return float(said) if said is not None and is_number(said) else None


def _told_of_need(
    apart: float | None, given: tuple[str, ...] | None, say: Words
) -> tuple[str, ...]:  # fmt: skip
    """Return the lines at the foot of a card: those given, or the usual; and what pairs must do."""
    together: tuple[str, ...] = ()
    if apart is not None:
        near = say("Stay within {metres} of each other.", metres=say.metres(apart))
        together = (say("The crew stays together.") if apart == 0 else near,)
    if given is not None:
        return (*together, *given)
    usual = "Report every hour." if together else "Report every hour. At night stay together."
    phone = "Emergency from any mobile phone: 112. Say the street, or the number of the line."
    return (say(phone), *together, say(usual))
