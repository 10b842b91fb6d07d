"""The same event on several maps: which rows tell of one, so that each is counted once."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import shapely

from patrolmap.events.rows.category import split_article
from patrolmap.events.rows.keys import keys_of
from patrolmap.events.rows.sieve import Bools, Floats, Ints

REACH = 25.0  # metres within which two maps show one place
CELL = 2 * REACH
MOST_PAIRS = 4_000_000  # compared at once; beyond that each row is compared with fewer others
DAY = (1_380, 1_500)  # minutes of a day, the clock's changes included

# The more specific kind first: what happened on the road, then what children did, and both before
# the crime map, on which all of them stand; a call is only somebody's word for it.
ORDER = ("accident", "juvenile", "crime", "call")
FAMILY = {"domestic": "violence", "accident_pedestrian": "traffic", "accident_vehicle": "traffic",
          "accident_other": "traffic"}  # fmt: skip
VAGUE = ("other", "unknown")

Pairs = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """What rows of several maps are compared by, one element a row.

    Attributes
    ----------
    table : (n,) int64
        Number of the table it comes from: rows of one table are never compared.
    mixed : (n,) bool
        Whether that table holds several kinds.
    known : (n,) bool
        Whether its time and offence tell enough to be compared.
    family, number, part : (n,) int64
        Category, wide enough to be the same on every map (-1: vague); article and its part
        (-1: not told).
    road : (n,) bool
        Whether it is an accident or a traffic offence.
    start, end, day : (n,) int64
        Minutes since 1970; the local day it began on.
    daylong : (n,) bool
        Whether only its day is known.
    x, y : (n,) float64
    ids : Series
    """

    table: Ints
    mixed: Bools
    known: Bools
    family: Ints
    number: Ints
    part: Ints
    road: Bools
    start: Ints
    end: Ints
    day: Ints
    daylong: Bools
    x: Floats
    y: Floats
    ids: pd.Index


def find_pairs(events: gpd.GeoDataFrame, table: Ints) -> Pairs:
    """Return pairs of positions that tell of one event: the row to keep, and the one to leave out.

    Two rows of different kinds and tables are one event if they lie within 25 m, their article is
    the same (their category where one has none; a traffic offence and an accident are one) and so
    is their time: the same minute, interval or day; or a day that holds the other's hour, if the
    article agrees or both are of the road. Months tell too little, and so does "other" without an
    article. A row stands for at most one row of each other kind, the nearest.

    Parameters
    ----------
    events
        As `combine_events` puts the tables together, in one CRS and zone.
    table : (n,) int64
        Number of the table that each row comes from.

    Returns
    -------
    (m, 2) int64
    """
    kind, names = pd.factorize(events["kind"])
    present = [names.get_loc(name) for name in ORDER if name in names]
    found = [np.empty((0, 2), dtype=np.int64)]
    if len(present) < 2 or (table == table[0]).all():
        return found[0]
    rows = _rows(events, kind, table)
    alive = rows.known.copy()
    for number, one in enumerate(present):
        for other in present[number + 1 :]:
            here, there = (
                np.flatnonzero(alive & (kind == one)),
                np.flatnonzero(alive & (kind == other)),
            )
            pairs = _alike(rows, here, there)
            here, there = _without(here, pairs[:, 0]), _without(there, pairs[:, 1])
            pairs = np.concatenate([pairs, _near(rows, here, there)])
            alive[pairs[:, 1]] = False
            found.append(pairs)
    return np.concatenate(found)


def _rows(events: gpd.GeoDataFrame, kind: Ints, table: Ints) -> Rows:
    wide = events["category"].replace(FAMILY).reset_index(drop=True)
    # An accident is one of the road, whatever is known of its type.
    wide = wide.mask((events["kind"] == "accident").to_numpy(), "traffic")
    family, words = pd.factorize(wide)
    vague = np.isin(words, VAGUE)[family]
    codes, texts = pd.factorize(events["article"])
    split = [split_article(text) for text in texts]
    numbers = pd.factorize(pd.Series([name for name, _ in split], dtype="str"))[0]
    number = np.append(numbers, -1)[codes]
    part = np.array([*(-1 if p is None else p for _, p in split), -1], dtype=np.int64)[codes]
    local = events["occurred_from"].dt.tz_localize(None).to_numpy().astype("M8[D]")
    start, end = (
        events[name].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("M8[m]")
        for name in ("occurred_from", "occurred_to")
    )
    known = ~np.isnat(start) & ~np.isnat(end) & (~vague | (number >= 0))
    known = known & ~events["time_precision"].isin(["month", "unknown"]).to_numpy()
    kinds = pd.Series(kind).groupby(table).nunique()
    start, end = start.astype(np.int64), end.astype(np.int64)
    daylong = (events["time_precision"] == "day").to_numpy()
    daylong = daylong & known & (end - start >= DAY[0]) & (end - start <= DAY[1])
    points = np.asarray(events["geometry"].array)
    return Rows(
        table=table, mixed=(kinds > 1).to_numpy()[table], known=known,
        family=np.where(vague, -1, family).astype(np.int64),
        number=number.astype(np.int64), part=part,
        road=(wide == "traffic").to_numpy(),
        start=start, end=end, day=local.astype(np.int64), daylong=daylong,
        x=shapely.get_x(points), y=shapely.get_y(points), ids=events.index,
    )  # fmt: skip


def _alike(rows: Rows, here: Ints, there: Ints) -> Pairs:
    """Match rows equal in point, time and offence, as many as there are on both maps.

    They come first, being nearest; and thousands on one point and day cost no more than few.
    """
    here, there = here[~rows.mixed[here]], there[~rows.mixed[there]]
    at = np.concatenate([here, there])
    side = np.repeat([0, 1], [len(here), len(there)])
    point = (np.rint(values[at] * 1000).astype(np.int64) for values in (rows.x, rows.y))
    parts = (rows.number, rows.part, rows.family, rows.start, rows.end)
    key = keys_of(*(values[at] for values in parts), *point)
    order = np.argsort(key, kind="stable")
    if len(at) == 0:
        return np.empty((0, 2), dtype=np.int64)
    run = np.cumsum(np.append(False, key[order][1:] != key[order][:-1]))
    others = np.bincount(run, weights=side[order])
    chosen = ((others > 0) & (others < np.bincount(run)))[run]
    at, side, run = at[order[chosen]], side[order[chosen]], run[chosen]
    order = np.lexsort((_ranks(rows.ids, at), side, run))
    at, side, run = at[order], side[order], run[order]
    first = np.flatnonzero(np.append(True, (run[1:] != run[:-1]) | (side[1:] != side[:-1])))
    count = np.diff(np.append(first, len(at)))
    place = np.arange(len(at)) - np.repeat(first, count)
    one, other = side == 0, side == 1
    width = int(place.max(initial=0)) + 1
    _, left, right = np.intersect1d(
        run[one] * width + place[one], run[other] * width + place[other],
        assume_unique=True, return_indices=True,
    )  # fmt: skip
    return np.stack([at[one][left], at[other][right]], axis=1)


def _near(rows: Rows, here: Ints, there: Ints) -> Pairs:
    """Match each row with the nearest that tells of the same event, the nearest pairs first."""
    left, right = _candidates(rows, here, there)
    away = np.hypot(rows.x[left] - rows.x[right], rows.y[left] - rows.y[right])
    same, within = _same_time(rows, left, right)
    told = (rows.number[left] >= 0) & (rows.number[right] >= 0)
    article = told & (rows.number[left] == rows.number[right])
    part, other_part = rows.part[left], rows.part[right]
    article &= (part == other_part) | (part < 0) | (other_part < 0)
    family = (rows.family[left] == rows.family[right]) & (rows.family[left] >= 0)
    road = rows.road[left] & rows.road[right]
    fits = (
        (away <= REACH) & np.where(told, article, family) & (rows.table[left] != rows.table[right])
    )
    fits &= same | (within & (article | road))
    left, right, away, same = left[fits], right[fits], away[fits], same[fits]
    ranks = (_ranks(rows.ids, right), _ranks(rows.ids, left))
    order = np.lexsort((*ranks, np.rint(away * 1000), ~same))
    return _greedy(left[order], right[order], len(rows.x))


def _candidates(rows: Rows, here: Ints, there: Ints) -> tuple[Ints, Ints]:
    """Return pairs of one day, and of one category or article, in cells that touch."""
    offence = np.where(rows.family >= 0, rows.family, rows.number + (1 << 20))
    near = (np.floor(values[there] / CELL) for values in (rows.x, rows.y))
    key = keys_of(rows.day[there], offence[there], *near)
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    corners = []
    for right, up in ((-REACH, -REACH), (-REACH, REACH), (REACH, -REACH), (REACH, REACH)):
        cells = np.floor((rows.x[here] + right) / CELL), np.floor((rows.y[here] + up) / CELL)
        corners.append(keys_of(rows.day[here], offence[here], *cells))
    wanted, who = np.concatenate(corners), np.tile(here, len(corners))
    if len(ranked) == 0:
        return here[:0], there
    first = np.searchsorted(ranked, wanted)
    hit = np.flatnonzero(ranked[np.minimum(first, len(ranked) - 1)] == wanted)
    first, who = first[hit], who[hit]
    count = np.searchsorted(ranked, wanted[hit], side="right") - first
    count = np.minimum(count, max(8, MOST_PAIRS // max(1, len(hit))))
    nth = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(who, count), there[order[np.repeat(first, count) + nth]]


def _same_time(rows: Rows, left: Ints, right: Ints) -> tuple[Bools, Bools]:
    """Tell which pairs have the same time, and in which the one's day holds the other's time."""
    start, end, other_start, other_end = (
        rows.start[left], rows.end[left], rows.start[right], rows.end[right]
    )  # fmt: skip
    holds = rows.daylong[left] & (start <= other_start) & (other_end <= end)
    held = rows.daylong[right] & (other_start <= start) & (end <= other_end)
    return (start == other_start) & (end == other_end), holds | held


def _greedy(left: Ints, right: Ints, size: int) -> Pairs:
    """Take pairs in their order, each row once: round by round, those that are first of both."""
    found = [np.empty((0, 2), dtype=np.int64)]
    first_left, first_right = np.empty((2, size), dtype=np.int64)
    free = np.ones(size, dtype=bool)
    while len(left):
        number = np.arange(len(left))
        first_left[left[::-1]] = number[::-1]  # the last one written is the first of its row
        first_right[right[::-1]] = number[::-1]
        taken = (first_left[left] == number) & (first_right[right] == number)
        found.append(np.stack([left[taken], right[taken]], axis=1))
        free[found[-1].ravel()] = False
        open_ = free[left] & free[right]
        left, right = left[open_], right[open_]
    return np.concatenate(found)


def _ranks(ids: pd.Index, at: Ints) -> Ints:
    """Return the order of the ids at some positions: it does not know how the tables were given."""
    import pyarrow.compute as pc

    text = pa.array(ids.take(at), type=pa.large_string(), from_pandas=True)
    return np.asarray(pc.rank(text, tiebreaker="dense"), dtype=np.int64)


def _without(at: Ints, gone: Ints) -> Ints:
    return at if len(gone) == 0 else at[~np.isin(at, gone, kind="sort")]
