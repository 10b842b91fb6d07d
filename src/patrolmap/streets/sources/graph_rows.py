"""The nodes and edges of any networkx graph in osmnx's schema, as rows.

Coordinates may be numbers or text, lines drawn or text or missing, tags lists or their text: what
osmnx holds in memory, and what networkx makes of a saved file.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap.errors import OptionError, SchemaError, SourceFormatError
from patrolmap.schema import SEGMENTS
from patrolmap.streets.lines.table import FLAGS
from patrolmap.streets.rules import JUDGED_KEYS

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

NAME_KEYS = ("name", "name:kk", "name:ru", "name:en")
ENDS = ["from_node", "to_node"]
DRIVE = ["drive_forward", "drive_backward"]
# Columns that both edges of a segment share; the others its ends and its direction tell.
SHARED = [name for name in SEGMENTS.names if name not in (*ENDS, *DRIVE, "geometry")]
_READ = (*JUDGED_KEYS, *NAME_KEYS, *SHARED, *FLAGS, "osmid", "segment_id", "row", "reversed")
_KEYS = tuple(dict.fromkeys(_READ))
_AGAINST = ("-1", "reverse", "T")
_LARGEST = 1 << 62
_NOTHING = ("", "nan", "None")  # as missing values come out of files of text


def check_graph(graph: Any, *, what: str = "the graph") -> None:
    """Raise unless this is a networkx graph that has edges."""
    import networkx as nx

    if not isinstance(graph, nx.Graph):
        raise OptionError(
            f"graph is a {type(graph).__name__}; wanted a networkx graph as osmnx makes it. "
            "Files and tables of streets are for read_streets(...)."
        )
    if not graph.number_of_edges():
        raise SourceFormatError(
            f"{what} has {graph.number_of_nodes()} nodes and no edges; wanted streets."
        )


def read_nodes(graph: Any, what: str = "the graph") -> tuple[pd.DataFrame, Bools]:
    """Return where the nodes stand, by whole numbers, and which are marked crossings."""
    labels, told = list(graph.nodes), list(graph.nodes.values())
    xy = [(_number(tags.get("x")), _number(tags.get("y"))) for tags in told]
    place = np.array(xy, dtype=np.float64).reshape(-1, 2)
    lost = np.flatnonzero(~np.isfinite(place).all(axis=1))
    if len(lost):
        at = lost[0]
        raise SchemaError(
            f"{what}: node {labels[at]!r} has x={told[at].get('x')!r}, y={told[at].get('y')!r} "
            f"({len(lost)} of {len(labels)} nodes stand nowhere); wanted numbers, as osmnx has "
            "them; see networkx.set_node_attributes(...)."
        )
    index = pd.Index([_node_id(label, what) for label in labels], dtype=np.int64)
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise SchemaError(f"{what}: two nodes are both number {twice}; wanted each once.")
    crossing = np.array([tags.get("highway") == "crossing" for tags in told], dtype=bool)
    return pd.DataFrame(place, columns=["x", "y"], index=index), crossing


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _node_id(label: Any, what: str) -> int:
    try:
        number = int(label)
        if abs(number) < _LARGEST and (number == label or str(number) == str(label)):
            return number
    except (TypeError, ValueError, OverflowError):
        pass
    raise SchemaError(
        f"{what}: node {label!r} is not named by a whole number below 2^62; number them, e.g. by "
        "networkx.convert_node_labels_to_integers(graph)."
    )


def read_edges(graph: Any, points: pd.DataFrame, what: str = "the graph") -> pd.DataFrame:
    """Return the edges as rows: u and v, their geometry along u to v, tags and what is ours."""
    at = {label: row for row, label in enumerate(graph.nodes)}
    edges = list(graph.edges(data=True))
    tail = np.array([at[u] for u, _, _ in edges])
    head = np.array([at[v] for _, v, _ in edges])
    told = [tags for _, _, tags in edges]
    xy = points.to_numpy()
    geometry = _shapes(told, xy[tail], xy[head], what)
    if not graph.is_directed():  # a line may be drawn from either end
        begin = shapely.get_coordinates(shapely.get_point(geometry, 0))
        turned = np.hypot(*(begin - xy[tail]).T) > np.hypot(*(begin - xy[head]).T)
        tail, head = np.where(turned, head, tail), np.where(turned, tail, head)
    ids = points.index.to_numpy()
    columns: dict[str, Any] = {"u": ids[tail], "v": ids[head]}
    for key in _KEYS:
        values = [_cell(tags.get(key)) for tags in told]
        if any(value is not None for value in values):
            columns[key] = pd.Series(values, dtype=object)
    if "oneway" in columns:  # an edge runs as it may be driven, whatever its way's drawing
        told_so = ["yes" if value in _AGAINST else value for value in columns["oneway"]]
        columns["oneway"] = pd.Series(told_so, dtype=object)
    return pd.DataFrame({**columns, "geometry": geometry})


def _shapes(
    told: list[dict[str, Any]], begin: Floats, end: Floats, what: str
) -> npt.NDArray[np.object_]:
    """Return the lines of edges, drawn or as text; straight ones where there are none."""
    given = [_cell(tags.get("geometry")) for tags in told]
    shapes = np.array([*given, None], dtype=object)[:-1]  # never taken for an array of arrays
    text = np.array([isinstance(shape, str) for shape in given], dtype=bool)
    if text.any():
        shapes[text] = shapely.from_wkt(shapes[text], on_invalid="ignore")
    bad = np.flatnonzero(~shapely.is_valid_input(shapes) | (text & shapely.is_missing(shapes)))
    if len(bad):
        raise SchemaError(
            f"{what}: an edge has the geometry {given[bad[0]]!r:.80} ({len(bad)} of {len(told)}); "
            "wanted a line, or none for a straight one."
        )
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    shapes[empty] = shapely.linestrings(np.stack([begin[empty], end[empty]], axis=1))
    return shapes


def _cell(value: Any) -> Any:
    """Return a value, None where it only says that there is none."""
    if isinstance(value, str):
        return None if value in _NOTHING else value
    return None if isinstance(value, float) and value != value else value


def read_graphml(path: Path) -> Any:
    """Read a graph that osmnx or networkx saved as GraphML.

    The text of the file becomes values later, where they are used; nothing of it is evaluated.

    Raises
    ------
    SourceFormatError
        If the file is cut short, damaged, declares entities, or holds something else.
    """
    from xml.etree.ElementTree import ParseError

    import networkx as nx

    with path.open("rb") as file:
        head = file.read(1 << 16)
    if b"<!ENTITY" in head or b"<!DOCTYPE" in head:  # what XML bombs are made of
        raise SourceFormatError(f"{path} declares a document type; wanted plain GraphML.")
    try:
        return nx.read_graphml(path, force_multigraph=True)
    except (ParseError, nx.NetworkXError, KeyError, TypeError, ValueError) as error:
        raise SourceFormatError(
            f"{path} cannot be read to its end as GraphML: {error}; save it again with "
            "osmnx.save_graphml(graph, path)."
        ) from error
