"""The lines of a card: legs, put together where a page has no room for each."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import pandas as pd

from patrolmap.output._legs import MOVING
from patrolmap.output.cards.wording import NAMELESS, TURNS, Words, is_nameless

Measure = Callable[[str], float]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a card: a stand, or one leg or more on foot or by car."""

    activity: str
    arrive: pd.Timestamp
    depart: pd.Timestamp
    turn: str  # into the first leg
    names: tuple[tuple[str, str], ...]  # (turn, street) of each leg
    length: float
    legs: int
    point: tuple[float, float]  # where it begins
    on_foot: str = ""  # "parks" where a crew by car gets out, "walks" where it goes on on foot
    letter: str = ""  # under which the card tells what to look for there

    @property
    def moving(self) -> bool:
        """Whether the crew is under way."""
        return self.activity in MOVING


def rows_of(legs: gpd.GeoDataFrame, *, by_car: bool = False) -> list[Row]:
    """Return a row for each leg of one route; there and back along one street is one."""
    rows: list[Row] = []
    for leg in legs.itertuples():
        row = _row(leg)
        if by_car and row.activity == "walk":
            goes_on = bool(rows) and rows[-1].activity == "walk"
            row = replace(row, on_foot="walks" if goes_on else "parks")
        if rows and _same_street(rows[-1], row):
            row = joined(rows.pop(), row)
        rows.append(row)
    return rows


def lettered(rows: list[Row], letters: dict[tuple[float, float], str]) -> list[Row]:
    """Give the rows in which a crew dwells the letters of their places."""
    return [
        replace(row, letter=letters.get(row.point, "")) if row.activity == "dwell" else row
        for row in rows
    ]


def joined(first: Row, second: Row) -> Row:
    """Return two rows under way as one."""
    return replace(
        first,
        depart=second.depart,
        names=first.names + second.names,
        length=first.length + second.length,
        legs=first.legs + second.legs,
    )


def text_of(row: Row, say: Words, *, short: bool = False, terse: bool = False) -> str:
    """Write a row: its streets with the turns between them, or what the crew does and where.

    A street that follows itself is not named again: what follows its name is the turn. `short`
    cuts the words that say what kind of street it is; `terse` also writes each way without a name
    as a ring.
    """
    if not row.moving:
        what, place = f"{say.word(row.activity)} {row.letter}".rstrip(), row.names[0][1]
        told = say.corner(place) if short or terse else say.place(place)
        return f"{what}: {told}" if told else what
    words, before = [], None
    for number, (turn, name) in enumerate(row.names):
        if number:
            words.append(TURNS[turn])
        told = NAMELESS if terse and is_nameless(name) else name
        if told != before:
            words.append(told if told == NAMELESS else say.short(name) if short or terse
                         else say.place(name))  # fmt: skip
        before = told
    way = " ".join(words)
    return on_foot(way, say, parks=row.on_foot == "parks") if row.on_foot else way


def on_foot(way: str, say: Callable[..., str], *, parks: bool) -> str:
    """Write a way on foot from a car, which is parked first where `parks`."""
    return say("Park. On foot: {way}" if parks else "On foot: {way}", way=way)


def fitted(
    rows: list[Row], most: int, room: float, measure: Measure, say: Words, *, terse: bool = False
) -> list[Row]:
    """Put neighbours together, the shortest first, until at most so many rows are left.

    Only rows under way are put together, and only where their text (its streets cut short) fits
    the room; a stand keeps its line. So more rows than `most` may be left.

    Parameters
    ----------
    rows
        In their order.
    most
        How many there is space for.
    room
        Width of a text; `measure` tells how wide one is.
    terse
        Whether ways without a name may become rings.
    """
    kept: list[Row | None] = list(rows)
    after = {i: i + 1 for i in range(len(rows) - 1)}
    before = {i + 1: i for i in range(len(rows) - 1)}
    queue: list[tuple[float, int, int, int]] = []

    def offer(i: int, j: int) -> None:
        a, b = kept[i], kept[j]
        if a is not None and b is not None and a.moving and b.moving and a.activity == b.activity:
            both = joined(a, b)
            if measure(text_of(both, say, short=True, terse=terse)) <= room:
                heapq.heappush(queue, (both.length, i, j, both.legs))

    for i, j in after.items():
        offer(i, j)
    left = len(rows)
    while left > most and queue:
        _, i, j, legs = heapq.heappop(queue)
        a, b = kept[i], kept[j]
        if a is None or b is None or after.get(i) != j or a.legs + b.legs != legs:
            continue  # one of them has changed since
        kept[i], kept[j], left = joined(a, b), None, left - 1
        follower = after.pop(j, None)
        after.pop(i)
        if follower is not None:
            after[i], before[follower] = follower, i
            offer(i, follower)
        if i in before:
            offer(before[i], i)
    return [row for row in kept if row is not None]


def squeezed(rows: list[Row], most: int) -> list[Row]:
    """Put neighbours together, the shortest first, however long their text becomes."""
    out = list(rows)
    while len(out) > most:
        pairs = [
            (a.length + b.length, i)
            for i, (a, b) in enumerate(itertools.pairwise(out))
            if a.moving and a.activity == b.activity
        ]
        if not pairs:
            break
        _, i = min(pairs)
        out[i : i + 2] = [joined(out[i], out[i + 1])]
    return out


def _row(leg: Any) -> Row:
    return Row(
        activity=leg.activity,
        arrive=leg.arrive,
        depart=leg.depart,
        turn=leg.turn,
        names=((leg.turn, leg.place),),
        length=float(leg.length),
        legs=1,
        point=leg.geometry.coords[0][:2],
    )


def _same_street(a: Row, b: Row) -> bool:
    under_way = a.moving and a.activity == b.activity
    return under_way and a.names[-1][1] == b.names[-1][1] and b.turn == "back"
