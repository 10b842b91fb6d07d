"""Shortest paths on a street network: how far from these nodes to those, and which way."""

import math
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap.errors import OptionError
from patrolmap.schema import require_type
from patrolmap.streets.network import Graph, Mode, StreetNetwork

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_FAR = 2_000_000.0  # m: the kernel counts millimetres in 32 bits
_PAIRS = 16  # fewer are not worth a thread


def distance_matrix(
    streets: StreetNetwork,
    from_nodes: int | Iterable[int],
    to_nodes: int | Iterable[int],
    *,
    limit: float = 4000.0,
    mode: Mode = "walk",
) -> pd.DataFrame:
    """Measure the shortest way from each of some nodes to each of others, up to a limit.

    Parameters
    ----------
    streets
        The network to walk or drive on.
    from_nodes, to_nodes
        Node ids: rows of `streets.nodes`, in any order, also repeated; a single id is a list of
        one.
    limit
        Metres; what lies farther is not looked for. `math.inf` looks up to 2,000 km.
    mode
        "walk", or "drive" (one-way streets honoured).

    Returns
    -------
    DataFrame
        float64 metres, exact to the millimetre of the segments' lengths; index from_node, columns
        to_node; inf beyond the limit and where no way leads.

    Raises
    ------
    OptionError
        If a node is none of these streets, or an option is out of range.

    Notes
    -----
    One bounded search a source, in as many threads as the machine has cores.

    Examples
    --------
    >>> import patrolmap as pm
    >>> streets = pm.read_streets(pm.datasets.sample().streets)
    >>> first, second = streets.segments.iloc[0][["from_node", "to_node"]]
    >>> found = distance_matrix(streets, first, [first, second])
    >>> (found.loc[first, second] == streets.segments["length"].iloc[0]).item()
    True
    """
    from patrolmap._kernels.paths import UNREACHABLE, distance_table

    sources, targets = (
        _rows(streets, from_nodes, "from_nodes"),
        _rows(streets, to_nodes, "to_nodes"),
    )
    graph = streets.graph(mode)
    bound = math.floor(min(_limit(limit), _FAR) * 1000 + 1e-6)
    (source, i), (target, j) = _once(sources), _once(targets)
    table = distance_table(graph.indptr, graph.head, graph.length, source, target, bound)
    metres = table / 1000.0
    metres[table == UNREACHABLE] = np.inf
    if len(source) != len(sources):
        metres = metres[i]
    if len(target) != len(targets):
        metres = metres[:, j]
    ids = streets.nodes.index
    return pd.DataFrame(
        metres,
        index=ids.take(sources).rename("from_node"),
        columns=ids.take(targets).rename("to_node"),
        copy=False,
    )


def shortest_paths(
    streets: StreetNetwork,
    from_nodes: int | Iterable[int],
    to_nodes: int | Iterable[int],
    *,
    mode: Mode = "walk",
) -> gpd.GeoDataFrame:
    """Find the shortest way from each node to its partner.

    Parameters
    ----------
    streets
        The network to walk or drive on.
    from_nodes, to_nodes
        Node ids, as many of one as of the other; a single id goes with all of the other.
    mode
        "walk", or "drive" (one-way streets honoured).

    Returns
    -------
    GeoDataFrame
        One row a pair, in the order given: from_node, to_node, length (m, to the millimetre),
        segment_ids (list, in the order walked), geometry (LineString from node to node). Where no
        way leads, length is NaN and there is no geometry; from a node to itself, length is 0 and
        the line stays where it is. Of several shortest ways, always the same one.

    Raises
    ------
    OptionError
        If a node is none of these streets, or the two lists are not of one length.

    Examples
    --------
    >>> import patrolmap as pm
    >>> streets = pm.read_streets(pm.datasets.sample().streets)
    >>> first, last = streets.segments["from_node"].iloc[0], streets.segments["to_node"].iloc[-1]
    >>> way = shortest_paths(streets, first, last).iloc[0]
    >>> bool(abs(streets.segments.loc[way["segment_ids"], "length"].sum() - way["length"]) < 1e-6)
    True
    >>> way["geometry"].coords[0] == streets.nodes.geometry[first].coords[0]
    True
    """
    sources, targets = (
        _rows(streets, from_nodes, "from_nodes"),
        _rows(streets, to_nodes, "to_nodes"),
    )
    if len(sources) != len(targets) and 1 not in (len(sources), len(targets)):
        raise OptionError(
            f"from_nodes holds {len(sources)} nodes and to_nodes {len(targets)}; wanted pairs, as "
            "many of one as of the other, or a single node in one of them."
        )
    sources, targets = (k.copy() for k in np.broadcast_arrays(sources, targets))
    graph = streets.graph(mode)
    arcs, starts, whole = _search(graph, sources, targets)
    segment, ids = graph.segment[arcs], streets.segments.index
    names = np.split(ids.take(segment).to_numpy(dtype=object), starts[1:-1]) if len(whole) else []
    return gpd.GeoDataFrame(
        {
            "from_node": streets.nodes.index.take(sources),
            "to_node": streets.nodes.index.take(targets),
            "length": np.where(whole < 0, np.nan, whole / 1000.0),
            "segment_ids": pd.Series([part.tolist() for part in names], dtype=object),
        },
        geometry=_draw(streets, segment, graph.forward[arcs], starts, sources, whole),
        crs=streets.crs,
    )


def _search(graph: Graph, sources: Ints, targets: Ints) -> tuple[Ints, Ints, Ints]:
    """Return arcs laid end to end, where those of each pair start, and lengths (mm, -1: none)."""
    from patrolmap._kernels.paths import path_arcs

    order = np.argsort(sources, kind="stable")  # pairs of one source share a search
    tail = np.repeat(np.arange(graph.n_nodes), np.diff(graph.indptr))
    threads = max(1, min(os.cpu_count() or 1, len(order) // _PAIRS))

    def search(part: Ints) -> tuple[Ints, Ints, Ints]:
        found: tuple[Ints, Ints, Ints] = path_arcs(
            graph.indptr, graph.head, tail, graph.length, sources[part], targets[part]
        )
        return found

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(search, np.array_split(order, threads)))
    size, whole = np.empty(len(order), dtype=np.int64), np.empty(len(order), dtype=np.int64)
    size[order] = np.concatenate([np.diff(starts) for _, starts, _ in parts])
    whole[order] = np.concatenate([length for *_, length in parts])
    found = np.concatenate([arcs for arcs, *_ in parts])
    starts = np.concatenate([[0], np.cumsum(size)])
    begin = np.empty(len(order), dtype=np.int64)  # where the arcs of each pair stand in `found`
    begin[order] = np.cumsum(size[order]) - size[order]
    take = np.repeat(begin - starts[:-1], size) + np.arange(starts[-1])
    return found[take], starts, whole


def _draw(
    streets: StreetNetwork,
    segment: Ints,
    forward: npt.NDArray[np.bool_],
    starts: Ints,
    sources: Ints,
    whole: Ints,
) -> npt.NDArray[np.object_]:
    """Join the lines of each path into one; a joint stands once."""
    lines = streets.segments.geometry.to_numpy()[segment]
    lines[~forward] = shapely.reverse(lines[~forward])
    xy, step = shapely.get_coordinates(lines, return_index=True)
    path = np.repeat(np.arange(len(whole)), np.diff(starts))
    joint = np.ones(len(step), dtype=bool)
    joint[1:] = step[1:] != step[:-1]
    begins = np.zeros(len(lines), dtype=bool)
    begins[starts[:-1][np.diff(starts) > 0]] = True
    joint &= ~begins[step]
    out = np.full(len(whole), None, dtype=object)
    walked = np.flatnonzero(whole > 0)
    of = np.searchsorted(walked, path[step])
    out[walked] = shapely.linestrings(xy[~joint], indices=of[~joint])
    still = np.flatnonzero(whole == 0)
    here = shapely.get_coordinates(streets.nodes.geometry.to_numpy()[sources[still]])
    out[still] = shapely.linestrings(np.stack([here, here], axis=1))
    return out


def _rows(streets: Any, given: Any, name: str) -> Ints:
    """Return the rows of nodes that are named by their ids."""
    require_type(streets, StreetNetwork, name="streets")
    values = np.asarray([*given] if isinstance(given, Iterable) else given).reshape(-1)
    if len(values) and values.dtype.kind not in "iu":
        raise OptionError(
            f"{name} holds {values.tolist()[0]!r}; wanted whole numbers, as in streets.nodes.index."
        )
    rows: Ints = streets.nodes.index.get_indexer(values).astype(np.int64)
    if (rows < 0).any():
        unknown = values[rows < 0]
        raise OptionError(
            f"{name}: {len(unknown)} of {len(values)} ids are no nodes of these streets, e.g. "
            f"{unknown[:3].tolist()}; wanted ids of streets.nodes, e.g. "
            f"{streets.nodes.index[:2].tolist()}. A place's nearest node: "
            "streets.nearest_node(lon, lat)."
        )
    return rows


def _once(rows: Ints) -> tuple[Ints, Ints]:
    """Return each row once, and where each of the rows given stands among them."""
    place, unique = pd.factorize(rows)
    return np.asarray(unique, dtype=np.int64), place


def _limit(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not value > 0:
        raise OptionError(f"limit={value!r}; wanted metres above 0 (math.inf: no limit).")
    return float(value)
