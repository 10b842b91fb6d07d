"""Which segments are one street: pieces of one name, and the carriageways of one avenue.

All of it is array work on stretches (streets between two junctions, numbered in an order of their
own, so that the order of rows is no matter): each step joins stretches that belong together.
"""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NAMES = ("name", "name_ru", "name_kk", "name_en")  # the first that is given names a segment
CLASSES = ("trunk", "primary", "secondary", "tertiary", "unclassified", "residential")
NEAR = 60.0  # m between parts of one name that are still one street
ALONGSIDE = 30.0  # m between two carriageways, one of them without a name
_MOST = 0.5  # share of a carriageway's length that must run along the other
_OPPOSITE = -0.85  # cosine between two directions of travel, about 150 degrees
_SPACING = 20.0  # m between places where two carriageways are compared
_APART = 1e8  # m that keep the boxes of two names from meeting: more than the earth is wide


def join_streets(segments: gpd.GeoDataFrame) -> pd.Series:
    """Give all segments of one street one id.

    Segments of one name (`street_key`) are one street where they share a node or lie within 60 m
    of one another: both carriageways of an avenue, a street that a junction interrupts. A one-way
    carriageway without a name, of a class from trunk to residential, joins the street of a one-way
    carriageway of its class that is driven in the opposite direction within 30 m of it along more
    than half of its length. Streets of different names are never joined, nor are two streets of
    one name in different parts of town. All else stays one street from junction to junction.

    Parameters
    ----------
    segments
        Columns as in `patrolmap.schema.SEGMENTS`; `street_id` tells the stretch between two
        junctions that each segment is a piece of. The order of rows does not matter.

    Returns
    -------
    Series
        `street_id` by segment_id: the id of the street's first stretch, in the order of the node
        ids of its two ends.

    Examples
    --------
    >>> import geopandas as gpd, patrolmap as pm
    >>> from shapely import LineString
    >>> there = LineString([(656_000, 4_790_000), (656_150, 4_790_000)])
    >>> back = LineString([(656_150, 4_790_025), (656_000, 4_790_025)])
    >>> link = LineString([(656_150, 4_790_000), (656_150, 4_790_025)])
    >>> lines = gpd.GeoDataFrame({"name": ["Abay", "ABAY", None]}, geometry=[there, back, link])
    >>> segments = pm.read_streets(lines.set_crs(32643)).segments
    >>> join_streets(segments.assign(street_id=segments.index)).value_counts().tolist()
    [2, 1]
    """
    row_stretch, ids = _stretches(segments)
    name = _name_codes(segments)
    nodes = segments[["from_node", "to_node"]].to_numpy()
    street = _merge(np.arange(len(ids)), *_meeting(name, nodes, row_stretch))
    street = _merge(street, *_near(name, segments.geometry.to_numpy(), street[row_stretch]))
    street = _merge(street, *_alongside(name < 0, segments, street, row_stretch))
    joined = ids.take(street[row_stretch])
    return pd.Series(joined, index=segments.index, name="street_id", dtype="str")


def street_names(segments: pd.DataFrame) -> pd.Series:
    """Name each segment for a reader: as tagged, or else as its street is.

    A segment without `name` takes the name it has in Russian, Kazakh or English; without any, the
    name that most of its street's length carries, so that the nameless carriageway of an avenue
    goes by the avenue's name.

    Parameters
    ----------
    segments
        The segments of a network or of a plan.

    Returns
    -------
    Series
        Name by segment_id; missing where the whole street has none.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {"street_id": ["7-9", "7-9", "8-9"], "name": ["Abay", None, None], "length": 90.0}
    ... )
    >>> street_names(table).fillna("-").tolist()
    ['Abay', 'Abay', '-']
    """
    own = _first_name(segments)
    missing = own.isna().to_numpy()
    if not missing.any() or missing.all():
        return own
    street, _ = pd.factorize(segments["street_id"])  # numbers: texts take ten times as long
    asked = np.isin(np.arange(street.max() + 1), street[missing])
    known = pd.DataFrame({"street": street, "name": own, "length": segments["length"]})
    known = known[~missing & asked[street]]
    totals = known.groupby(["street", "name"], as_index=False)["length"].sum()
    totals = totals.sort_values(["length", "name"], ascending=[False, True], kind="stable")
    of_street = totals.drop_duplicates("street").set_index("street")["name"]
    names = of_street.reindex(street[missing]).set_axis(segments.index[missing])
    out = own.copy()
    out[missing] = names.astype("str").array
    return out


def street_key(name: str) -> str:
    """Return what is compared of a street name: letters and digits, no matter the case.

    Examples
    --------
    >>> street_key(" ул.Королёва"), street_key("Ул. Королева")
    ('ул королева', 'ул королева')
    """
    return " ".join(name.casefold().replace("ё", "е").replace(".", " ").split())


def _first_name(segments: pd.DataFrame) -> pd.Series:
    name = segments["name"]
    for column in NAMES[1:]:
        if column in segments and name.isna().any() and segments[column].notna().any():
            name = name.fillna(segments[column])
    return name.rename("name")


def _name_codes(segments: pd.DataFrame) -> Ints:
    """Number the names; -1 where a segment has none."""
    code, names = pd.factorize(_first_name(segments))
    keys = [street_key(name) or None for name in names]
    # The None at the end stands for code -1 too.
    codes: Ints = pd.factorize(np.array([*keys, None], dtype=object))[0].astype(np.int64)
    found: Ints = codes[code]
    return found


def _stretches(segments: pd.DataFrame) -> tuple[Ints, pd.Index]:
    """Number the stretches by their two ends, parallels by their ids; return their ids too."""
    stretch, ids = pd.factorize(segments["street_id"])
    # Cuts of a long stretch have negative ids: as unsigned numbers they come after all junctions.
    ends = np.full((2, len(ids)), np.iinfo(np.uint64).max, dtype=np.uint64)
    for least, column in zip(ends, ("from_node", "to_node"), strict=True):
        np.minimum.at(least, stretch, segments[column].to_numpy().astype(np.uint64))
    order = np.lexsort(ends[::-1])
    same = np.zeros(len(ids), dtype=bool)
    same[1:] = (np.diff(ends[:, order]) == 0).all(axis=0)
    run = np.cumsum(~same)
    tied = np.flatnonzero(same | np.append(same[1:], False))
    told = ids.take(order[tied]).tolist()
    by_id = sorted(range(len(tied)), key=lambda i: (run[tied[i]], len(told[i]), told[i]))
    order[tied] = order[tied[by_id]]
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[stretch], ids.take(order)


def _merge(street: Ints, a: Ints, b: Ints) -> Ints:
    """Join streets a[i] and b[i]; a street goes by its first stretch."""
    n = len(street)
    edges = (np.concatenate([np.arange(n), a]), np.concatenate([street, b]))
    graph = coo_array((np.ones(n + len(a), dtype=np.int8), edges), shape=(n, n))
    label = connected_components(graph, directed=False)[1]
    first = np.full(n, n, dtype=np.int64)
    np.minimum.at(first, label, np.arange(n))
    merged: Ints = first[label]
    return merged


def _meeting(name: Ints, nodes: Ints, stretch: Ints) -> tuple[Ints, Ints]:
    """Return pairs of stretches of one name that share a node, enough to link all that do."""
    named = np.flatnonzero(name >= 0)
    node = nodes[named].ravel(order="F")
    order = np.argsort(node, kind="stable")
    rank = np.cumsum(np.diff(node[order], prepend=node[order[:1]]) != 0)
    row = np.tile(named, 2)[order]
    key = rank * (name.max(initial=0) + 1) + name[row]
    by_key = np.argsort(key, kind="stable")
    follows = np.flatnonzero(np.diff(key[by_key]) == 0)
    return stretch[row[by_key[follows]]], stretch[row[by_key[follows + 1]]]


def _near(name: Ints, lines: npt.NDArray[np.object_], street: Ints) -> tuple[Ints, Ints]:
    """Return pairs of streets of one name that lie within `NEAR` of one another."""
    rows = np.flatnonzero(name >= 0)
    rows = rows[_is_split(name[rows], street[rows])]
    if len(rows) == 0:
        return rows, rows
    # Each name in a band of its own, so that only lines of one name can meet.
    box = shapely.bounds(lines[rows])
    box[:, 1::2] += (name[rows] * _APART)[:, None]
    tree = shapely.STRtree(shapely.box(*box.T))
    reach = NEAR + 1  # large numbers are held less exactly
    box += np.array([-reach, -reach, reach, reach])
    a, b = rows[tree.query(shapely.box(*box.T))]
    apart = street[a] < street[b]
    a, b = a[apart], b[apart]
    close = shapely.dwithin(lines[a], lines[b], NEAR)
    return street[a[close]], street[b[close]]


def _is_split(name: Ints, street: Ints) -> Bools:
    """Say of each row whether its name stands on more than one street."""
    n = name.max(initial=-1) + 1
    least, most = np.full(n, np.iinfo(np.int64).max), np.full(n, -1)
    np.minimum.at(least, name, street)
    np.maximum.at(most, name, street)
    split: Bools = (least != most)[name]
    return split


def _alongside(
    nameless: Bools, segments: gpd.GeoDataFrame, street: Ints, stretch: Ints
) -> tuple[Ints, Ints]:
    """Return for nameless one-way stretches the one street that most of each runs along.

    Each has at most one such street, so that no chain of them leads from one name to another.
    """
    forward = segments["drive_forward"].to_numpy()
    kind = segments["highway"].array
    one_way = (forward != segments["drive_backward"].to_numpy()) & kind.isin(CLASSES)
    rows = np.flatnonzero(one_way)
    if not nameless[rows].any():
        return rows[:0], rows[:0]
    of, xy, way = _samples(segments.geometry.to_numpy()[rows])
    way[~forward[rows][of]] *= -1
    own = stretch[rows][of]
    code = pd.factorize(kind[rows])[0]
    place = np.column_stack([xy, code[of] * 1000.0])  # classes lie further apart than any reach
    asks = np.flatnonzero(nameless[rows][of])
    met = KDTree(place[asks]).sparse_distance_matrix(
        KDTree(place), ALONGSIDE, output_type="ndarray"
    )
    i, j = asks[met["i"]], met["j"]
    opposite = ((way[i] * way[j]).sum(axis=1) <= _OPPOSITE) & (own[i] != own[j])
    i, j = i[opposite], j[opposite]
    votes = pd.DataFrame({"stretch": own[i], "street": street[own[j]], "place": i})
    share = votes.drop_duplicates().groupby(["stretch", "street"], as_index=False).size()
    asked = np.bincount(own[asks], minlength=len(street))
    share = share[share["size"].to_numpy() > _MOST * asked[share["stretch"]]]
    best = share.sort_values(["size", "street"], ascending=[False, True], kind="stable")
    best = best.drop_duplicates("stretch")
    return best["stretch"].to_numpy(), best["street"].to_numpy()


def _samples(lines: npt.NDArray[np.object_]) -> tuple[Ints, Floats, Floats]:
    """Return the middles of equal parts of lines: which line, (n, 2) metres, direction."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    step = np.diff(xy, axis=0)
    reach = np.hypot(*step.T)
    reach[np.diff(line) != 0] = 0.0  # from one line to the next
    along = np.concatenate([[0.0], np.cumsum(reach)])
    first = np.searchsorted(line, np.arange(len(lines)))
    last = np.append(first[1:], len(line)) - 1
    length = along[last] - along[first]
    count = np.maximum(np.ceil(length / _SPACING), 1).astype(np.int64)
    of = np.repeat(np.arange(len(lines)), count)
    part = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    at = along[first[of]] + (part + 0.5) / count[of] * length[of]
    edge = np.clip(np.searchsorted(along, at, side="right") - 1, first[of], last[of] - 1)
    way = step[edge] / np.maximum(reach[edge], 1e-9)[:, None]
    return of, xy[edge] + way * (at - along[edge])[:, None], way
