"""Hotspots: the streets with the most risk per metre, as connected pieces with a name."""

import math

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap.errors import OptionError, SchemaError
from patrolmap.schema import HOTSPOTS, validate
from patrolmap.streets.lines.avenues import street_names
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BESIDE = 40.0  # m between carriageways of one street that are one hotspot
_SECOND_NAME = 0.25  # a second street names the hotspot too from this share of its risk
UNNAMED = "unnamed street"


def hotspots(
    risk: pd.Series, streets: StreetNetwork, *, coverage: float = 0.05
) -> gpd.GeoDataFrame:
    """Select the top share of street length by risk per metre, as connected hotspots.

    Walkable segments inside the boundary are taken in the order of risk per metre (equal ones in
    the order of their ids) as long as their length stays within `coverage` of all such length,
    and at least the first; segments without any risk are never taken. Selected segments that
    share a node make one hotspot, and so do those of one street (`street_id`) side by side: the
    middle of one within 40 m of the other, as on the two carriageways of an avenue.

    Parameters
    ----------
    risk
        By segment_id, as `NetworkKDE.predict` returns it; segments it lacks have none.
    streets
        The network it was estimated on.
    coverage
        Share of the walkable length inside the boundary to select, above 0 and at most 1.

    Returns
    -------
    GeoDataFrame
        One row a hotspot, the most risk first (`patrolmap.schema.HOTSPOTS`), in the streets' CRS;
        `attrs` hold coverage, unit, fingerprint.

    Raises
    ------
    OptionError
        If `coverage` is not in (0, 1].
    SchemaError
        If `risk` is not a Series of finite numbers, 0 or more, or is 0 everywhere inside.
    NetworkMismatchError
        If it belongs to another street network.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, patrolmap as pm
    >>> from shapely import LineString
    >>> lines = [LineString([(0, 0), (100, 0)]), LineString([(100, 0), (100, 100)])]
    >>> table = gpd.GeoDataFrame({"name": ["Abay", "Dostyk"]}, geometry=lines, crs=32643)
    >>> streets = pm.read_streets(table, crs=32643)
    >>> risk = pd.Series([1.0, 3.0], index=streets.segments.sort_values("name").index)
    >>> hotspots(risk, streets, coverage=0.5)[["name", "length", "risk_share", "density"]]
                  name  length  risk_share  density
    hotspot_id
    1           Dostyk   100.0        0.75     30.0
    """
    if not (isinstance(coverage, (int, float)) and 0 < coverage <= 1):
        raise OptionError(
            f"coverage={coverage!r}; wanted a share of the street length above 0 and at most 1, "
            "such as 0.05."
        )
    values = _values(risk, streets)
    segments = streets.segments
    length = segments["length"].to_numpy()
    counted = (segments["walk"] & segments["inside"]).to_numpy()
    total_risk, total_length = math.fsum(values[counted]), math.fsum(length[counted])
    if not total_risk > 0:
        raise SchemaError(
            "the risk is 0 on every walkable segment inside the boundary, so nothing is hot; "
            "check that events, window and boundary are of one place and time."
        )
    rows = _top(values, length, counted, segments.index, coverage * total_length)
    group = _components(streets, rows)
    out = _table(streets, rows, group, values)
    out.insert(3, "risk_share", out["risk"] / total_risk)
    out.insert(4, "length_share", out["length"] / total_length)
    validate(out, HOTSPOTS)
    out.attrs = {
        "coverage": float(coverage),
        "unit": risk.attrs.get("unit", "count"),
        "fingerprint": streets.fingerprint,
    }
    return out


def _values(risk: pd.Series, streets: StreetNetwork) -> Floats:
    """Check the risk and put it in the order of the streets."""
    if not isinstance(risk, pd.Series):
        raise SchemaError(
            f"risk is a {type(risk).__name__}; wanted a Series by segment_id "
            "(of a table by time or kind, its sum: risk.sum(axis=1))."
        )
    streets.require_own(risk)
    if not risk.index.is_unique:
        twice = risk.index[risk.index.duplicated()][:3].tolist()
        raise SchemaError(f"risk has segment ids more than once, e.g. {twice}; sum them first.")
    if not pd.api.types.is_numeric_dtype(risk.dtype):
        raise SchemaError(f"risk holds {risk.dtype}; wanted numbers.")
    bad = ~(np.isfinite(risk) & (risk >= 0))
    if bad.any():
        raise SchemaError(
            f"risk is negative, missing or infinite on {int(bad.sum())} segments, e.g. "
            f"{risk.index[bad][:3].tolist()}; wanted 0 or more on each."
        )
    values: Floats = risk.reindex(streets.segments.index, fill_value=0).to_numpy(dtype=np.float64)
    return values


def _top(
    risk: Floats, length: Floats, counted: npt.NDArray[np.bool_], ids: pd.Index, budget: float
) -> Ints:
    """Return the rows of the riskiest segments per metre that fit the length, in row order."""
    candidates = np.flatnonzero(counted & (risk > 0))
    by_id = candidates[np.argsort(ids[candidates].to_numpy(dtype=object), kind="stable")]
    order = by_id[np.argsort(-risk[by_id] / length[by_id], kind="stable")]
    # A millimetre of slack: sums of lengths in another order may differ in the last bit.
    taken = int((np.cumsum(length[order]) <= budget + 1e-3).sum())
    return np.sort(order[: max(taken, 1)])


def _components(streets: StreetNetwork, rows: Ints) -> Ints:
    """Number the selected segments so that those that hang together share a number."""
    tail, head = (end[rows] for end in streets.ends)
    of_node = _label(len(streets.nodes), tail, head)
    group = np.unique(of_node[tail], return_inverse=True)[1].astype(np.int64)
    a, b = _side_by_side(streets.segments.iloc[rows], group)
    return _label(int(group.max()) + 1, a, b)[group]


def _label(n: int, a: Ints, b: Ints) -> Ints:
    """Number n things so that those which pairs (a[i], b[i]) link share a number."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n))
    label: Ints = connected_components(links, directed=False)[1].astype(np.int64)
    return label


def _side_by_side(chosen: gpd.GeoDataFrame, group: Ints) -> tuple[Ints, Ints]:
    """Return pairs of groups that hold carriageways of one street side by side."""
    street = pd.factorize(chosen["street_id"])[0]
    first = pd.Series(group).groupby(street)
    rows = np.flatnonzero(first.transform("min") != first.transform("max"))
    lines = chosen.geometry.to_numpy()[rows]
    middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    found = shapely.STRtree(lines).query(middles, predicate="dwithin", distance=_BESIDE)
    a, b = rows[found]
    one = street[a] == street[b]
    return group[a[one]], group[b[one]]


def _table(streets: StreetNetwork, rows: Ints, group: Ints, risk: Floats) -> gpd.GeoDataFrame:
    """Put each group into one row, the most risk first (equal ones: the earlier in the streets)."""
    chosen = streets.segments.iloc[rows]
    part = pd.DataFrame(
        {
            "group": group,
            "length": chosen["length"].to_numpy(),
            "risk": risk[rows],
            "street": chosen["street_id"].to_numpy(dtype=object),
            "name": street_names(streets.segments).to_numpy(dtype=object)[rows],
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
    table.insert(3, "density", table["risk"] / table["length"] * 1000)
    lines = chosen.geometry.to_numpy()
    order = np.argsort(group, kind="stable")
    table["geometry"] = shapely.multilinestrings(lines[order], indices=group[order])
    table = table.sort_values("risk", ascending=False, kind="stable")
    table.index = pd.RangeIndex(1, len(table) + 1, name="hotspot_id")
    return gpd.GeoDataFrame(table, geometry="geometry", crs=streets.crs)


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
