"""Selected segments as connected pieces, each a row with a name."""

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap.streets.lines.avenues import street_names
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BESIDE = 40.0  # m between carriageways of one street that are one hotspot
UNNAMED = "unnamed street"
_SECOND_NAME = 0.25  # a second street names the hotspot too from this share of its risk


def connect(streets: StreetNetwork, rows: Ints, label: Ints | None = None) -> Ints:
    """Number the selected segments so that those that hang together share a number.

    They do where they share a node, or lie side by side in one street; of different labels never.
    """
    tail, head = (end[rows] for end in streets.ends)
    if label is not None:
        tail, head = tail + label * len(streets.nodes), head + label * len(streets.nodes)
    nodes, ends = np.unique(np.concatenate([tail, head]), return_inverse=True)
    tail, head = ends[: len(rows)], ends[len(rows) :]
    of_node = number_linked(len(nodes), tail, head)
    group = np.unique(of_node[tail], return_inverse=True)[1].astype(np.int64)
    a, b = beside(streets.segments.iloc[rows], group)
    if label is not None:
        same = label[a] == label[b]
        a, b = a[same], b[same]
    n = int(group.max()) + 1 if len(group) else 0
    return number_linked(n, group[a], group[b])[group]


def number_linked(n: int, a: Ints, b: Ints) -> Ints:
    """Number n things so that those which pairs (a[i], b[i]) link share a number."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if n == 0:
        return np.zeros(0, dtype=np.int64)
    links = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n))
    label: Ints = connected_components(links, directed=False)[1].astype(np.int64)
    return label


def beside(chosen: gpd.GeoDataFrame, group: Ints) -> tuple[Ints, Ints]:
    """Return pairs of rows of different groups: carriageways of one street side by side."""
    street = pd.factorize(chosen["street_id"])[0]
    first = pd.Series(group).groupby(street)
    rows = np.flatnonzero((first.transform("min") != first.transform("max")).to_numpy())
    lines = chosen.geometry.to_numpy()[rows]
    middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    found = shapely.STRtree(lines).query(middles, predicate="dwithin", distance=BESIDE)
    a, b = rows[found]
    one = (street[a] == street[b]) & (group[a] != group[b])
    return a[one], b[one]


def pieces_table(streets: StreetNetwork, rows: Ints, group: Ints, risk: Floats) -> gpd.GeoDataFrame:
    """Put each group into one row, by its number."""
    chosen = streets.segments.iloc[rows]
    part = pd.DataFrame(
        {
            "group": group,
            "length": chosen["length"].to_numpy(),
            "risk": risk[rows],
            "street": chosen["street_id"].to_numpy(dtype=object),
            "name": _lines(street_names(streets.segments).to_numpy(dtype=object)[rows]),
            "id": chosen.index.to_numpy(dtype=object),
        }
    )
    groups = part.groupby("group", sort=True)
    table = groups.agg(
        length=("length", "sum"),
        risk=("risk", "sum"),
        n_segments=("id", "size"),
        segment_ids=("id", list),
    )
    table.insert(0, "name", _names(part))
    lines = chosen.geometry.to_numpy()
    order = np.argsort(group, kind="stable")
    geometry: Any = shapely.multilinestrings(lines[order], indices=group[order])
    return gpd.GeoDataFrame(table, geometry=np.atleast_1d(geometry), crs=streets.crs)


def _lines(names: npt.NDArray[np.object_]) -> list[str | None]:
    """Put each name on one line; what is only blanks is no name."""
    return [" ".join(name.split()) or None if isinstance(name, str) else None for name in names]


def _names(part: pd.DataFrame) -> pd.Series:
    """Name each group by its street with the most risk, and a second one that carries enough.

    A street counts once, however its parts spell its name.
    """
    whole = part.groupby("group")["risk"].sum()
    spelled = _ranked(part, "street", "name").drop_duplicates("street")
    label = part["street"].map(spelled.set_index("street")["name"]).astype("str")
    streets = _ranked(part.assign(label=label), "group", "label")
    place = streets.groupby("group").cumcount().to_numpy()
    enough = (streets["risk"] >= _SECOND_NAME * streets["group"].map(whole)).to_numpy()
    first = streets[place == 0].set_index("group")["label"]
    second = streets[(place == 1) & enough].set_index("group")["label"]
    names = first.add((" / " + second).reindex(first.index, fill_value=""))
    return names.reindex(whole.index, fill_value=UNNAMED).astype("str")


def _ranked(part: pd.DataFrame, within: str, what: str) -> pd.DataFrame:
    """Add up the risk of each `what` within each `within`, the most first."""
    total = part.groupby([within, what], as_index=False)["risk"].sum()
    return total.sort_values([within, "risk", what], ascending=[True, False, True], kind="stable")
