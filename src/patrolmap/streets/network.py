"""The street network every later stage works on: two tables, and arrays per mode."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import CRS

from patrolmap._crs import lonlat_to, require_metres
from patrolmap.errors import NetworkMismatchError, OptionError, SchemaError
from patrolmap.schema import MODES, NODES, SEGMENTS, validate

Mode = Literal["walk", "drive"]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Directed arcs of one mode as CSR arrays; nodes and segments are row numbers.

    Attributes
    ----------
    indptr : (n_nodes + 1,) int64
        Arcs of node i are `indptr[i]:indptr[i + 1]`.
    head : (n_arcs,) int64
        Node each arc leads to.
    segment : (n_arcs,) int64
        Row of the segment each arc runs along.
    forward : (n_arcs,) bool
        Whether it runs along the segment's geometry.
    length : (n_arcs,) int64
        Millimetres, so that sums are exact and routes repeatable.
    """

    indptr: Ints
    head: Ints
    segment: Ints
    forward: npt.NDArray[np.bool_]
    length: Ints

    @property
    def n_nodes(self) -> int:
        """How many nodes the network has, those without arcs counted too."""
        return len(self.indptr) - 1


@dataclass(frozen=True, kw_only=True, eq=False)
class StreetNetwork:
    """Streets between junctions as two tables, in metres.

    Attributes
    ----------
    segments : GeoDataFrame
        Index segment_id; columns as in `patrolmap.schema.SEGMENTS`.
    nodes : GeoDataFrame
        Index node_id; point geometry.
    grounds : GeoDataFrame
        Parks and water for the map's background: `kind` ("park" or "water") and polygons in the
        same CRS. Empty where the source has none, such as a table of lines.
    attribution : str
        Whom the streets are owed to; maps and cards say it.
    report : mapping
        What reading found: lengths kept and dropped (m), by reason.

    Raises
    ------
    SchemaError, CRSError
        If a table breaks its contract, or a segment ends at a node that is not there.
    """

    segments: gpd.GeoDataFrame
    nodes: gpd.GeoDataFrame
    grounds: gpd.GeoDataFrame = field(default_factory=lambda: gpd.GeoDataFrame(
        {"kind": pd.array([], dtype="str")}, geometry=[]))  # fmt: skip
    attribution: str = ""
    report: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_metres(self.segments.crs, what="the segments table")
        validate(self.segments, SEGMENTS)
        validate(self.nodes, NODES)
        if self.nodes.crs != self.segments.crs:
            raise SchemaError("segments and nodes stand in two coordinate systems; wanted one.")
        if len(self.grounds) and self.grounds.crs != self.segments.crs:
            raise SchemaError("grounds and segments stand in two coordinate systems; wanted one.")
        missing = np.minimum(*self.ends) < 0
        if missing.any():
            bad = self.segments.index[missing][:3].tolist()
            raise SchemaError(f"segments {bad} end at nodes that the nodes table lacks.")

    @property
    def crs(self) -> CRS:
        """The projected CRS of both tables."""
        return self.segments.crs

    @cached_property
    def fingerprint(self) -> str:
        """Hash of ids, ends, lengths and modes: equal for equal networks, on any machine."""
        digest = hashlib.sha256()
        digest.update("\n".join(self.segments.index.tolist()).encode())
        for name in ("from_node", "to_node"):
            digest.update(np.ascontiguousarray(self.segments[name], dtype="<i8").tobytes())
        digest.update(self.length_mm.astype("<i8").tobytes())
        for name in ("walk", "drive_forward", "drive_backward", "inside"):
            digest.update(np.packbits(self.segments[name].to_numpy()).tobytes())
        return digest.hexdigest()[:16]

    @cached_property
    def length_mm(self) -> Ints:
        """Lengths in whole millimetres, in the order of `segments`."""
        millimetres: Ints = np.rint(self.segments["length"].to_numpy() * 1000).astype(np.int64)
        return millimetres

    @cached_property
    def ends(self) -> tuple[Ints, Ints]:
        """Row numbers in `nodes` of each segment's two ends."""
        at = self.nodes.index
        return (
            at.get_indexer(self.segments["from_node"]).astype(np.int64),
            at.get_indexer(self.segments["to_node"]).astype(np.int64),
        )

    def graph(self, mode: Mode = "walk", *, usable: npt.NDArray[np.bool_] | None = None) -> Graph:
        """Return the arcs of one mode, without the segments that `usable` rules out.

        Parameters
        ----------
        mode
            "walk" (every arc both ways) or "drive" (one-way streets honoured).
        usable : (n_segments,) bool, optional
            False where a segment must not be entered.
        """
        if mode not in MODES:
            raise OptionError(f"mode={mode!r}; wanted one of {list(MODES)}.")
        if usable is not None:
            if np.shape(usable) != (len(self.segments),):
                raise OptionError(
                    f"usable has shape {np.shape(usable)}; wanted one bool for each of the "
                    f"{len(self.segments)} segments."
                )
            return self._arcs(mode, usable)
        return self._walk_graph if mode == "walk" else self._drive_graph

    @cached_property
    def _walk_graph(self) -> Graph:
        return self._arcs("walk", np.ones(len(self.segments), dtype=bool))

    @cached_property
    def _node_xy(self) -> npt.NDArray[np.float64]:
        points = self.nodes.geometry
        return np.stack([points.x.to_numpy(), points.y.to_numpy()])

    @cached_property
    def _drive_graph(self) -> Graph:
        return self._arcs("drive", np.ones(len(self.segments), dtype=bool))

    def _arcs(self, mode: Mode, usable: npt.NDArray[np.bool_]) -> Graph:
        along, against = ("walk", "walk") if mode == "walk" else ("drive_forward", "drive_backward")
        tail, head = self.ends
        there = np.flatnonzero(self.segments[along].to_numpy() & usable)
        back = np.flatnonzero(self.segments[against].to_numpy() & usable)
        starts = np.concatenate([tail[there], head[back]])
        segment = np.concatenate([there, back]).astype(np.int64)
        order = np.lexsort((segment, starts))
        indptr = np.zeros(len(self.nodes) + 1, dtype=np.int64)
        np.cumsum(np.bincount(starts, minlength=len(self.nodes)), out=indptr[1:])
        return Graph(
            indptr=indptr,
            head=np.concatenate([head[there], tail[back]])[order],
            segment=segment[order],
            forward=(np.arange(len(starts)) < len(there))[order],
            length=self.length_mm[segment[order]],
        )

    def nearest_node(
        self, lon: float, lat: float, *, mode: Mode = "walk", graph: Graph | None = None
    ) -> tuple[int, float]:
        """Return the id of the nearest node that `mode` (or `graph`) can use, and how far (m)."""
        (x,), (y,) = lonlat_to(self.crs, [lon], [lat])
        usable = np.flatnonzero(np.diff((graph or self.graph(mode)).indptr) > 0)
        if len(usable) == 0:
            raise SchemaError(f"no street of this network allows mode {mode!r}.")
        distance = np.hypot(*(self._node_xy[:, usable] - [[x], [y]]))
        best = int(np.argmin(distance))
        return int(self.nodes.index[usable[best]]), float(distance[best])

    def align(self, risk: pd.Series) -> pd.Series:
        """Join risk from another network onto this one by segment_id; what it lacks becomes 0."""
        joined = risk.reindex(self.segments.index, fill_value=0.0)
        joined.attrs = {**risk.attrs, "fingerprint": self.fingerprint}
        return joined

    def require_own(self, risk: pd.Series | pd.DataFrame) -> None:
        """Raise `NetworkMismatchError` unless `risk` was made on this network or has its ids."""
        theirs = risk.attrs.get("fingerprint")
        if theirs is not None and theirs != self.fingerprint:
            raise NetworkMismatchError(
                f"this risk was estimated on another street network ({theirs}, here "
                f"{self.fingerprint}); estimate it on these streets, or join it by segment_id "
                "with streets.align(risk)."
            )
        unknown = risk.index.difference(self.segments.index)
        if len(unknown):
            raise NetworkMismatchError(
                f"{len(unknown)} segment ids of this risk are not in these streets, e.g. "
                f"{unknown[:3].tolist()}; join by id with streets.align(risk)."
            )

    def to_networkx(self) -> Any:
        """Return a `networkx.MultiDiGraph` in osmnx's schema, with all that both tables hold.

        `grounds`, the map's background, have no place in a graph of streets and stay behind.

        Returns
        -------
        networkx.MultiDiGraph
            Nodes: `x`, `y` (m), `street_count`. Edges: `osmid`, `length`, `geometry`, `oneway`,
            `reversed`, `name`, `highway` as in osmnx, and the columns of `segments`. A segment that
            may be walked is an edge each way; one that may only be driven, an edge each way it may
            be driven. `walk` and `drive` (also `drive_forward`) say who may use the edge in its
            direction, `drive_backward` whether cars may go against it. `segment_id` and `row` name
            the segment; `osmid` is a number below zero made of the id, as a segment may be several
            ways. Cells without a value are left out.

        Examples
        --------
        >>> import patrolmap as pm
        >>> graph = pm.read_streets(pm.datasets.sample().streets).to_networkx()
        >>> u, v, edge = next(iter(graph.edges(data=True)))
        >>> edge["walk"], edge["drive"], edge["geometry"].length.__round__(3) == edge["length"]
        (True, True, True)
        """
        from patrolmap.streets.sources.graphs import to_graph

        return to_graph(
            self.segments,
            self.nodes,
            attribution=self.attribution,
            report=self.report,
            fingerprint=self.fingerprint,
        )

    @classmethod
    def from_networkx(
        cls,
        graph: Any,
        *,
        boundary: Any = None,
        sidewalks: str = "merge",
        max_segment_length: float = 200.0,
        crs: Any = None,
    ) -> Self:
        """Build a network from a networkx graph in osmnx's schema.

        A graph that `to_networkx` made, and that still holds all its segments, gives back an equal
        network without `grounds` (also after `osmnx.save_graphml` and `load_graphml`), as long as
        no option asks for another one. Any other graph is read like a table of lines with node ids,
        see `read_streets`: `highway`, `foot`, `access` and the like decide who may use an edge, and
        `oneway` in which direction; without `highway` all edges are streets.

        Parameters
        ----------
        graph
            Any networkx graph whose nodes are whole numbers with `x` and `y`, and which names its
            CRS in `graph.graph["crs"]`: simplified or not, in degrees or projected, directed or
            not. Edges without `geometry` are straight.
        boundary, sidewalks, max_segment_length, crs
            As in `read_streets`.

        Raises
        ------
        OptionError
            If it is no networkx graph, or an option is out of range.
        SourceFormatError
            If it has no edges, or none that may be walked or driven.
        SchemaError
            If a node has no place or no number, or an edge does not run between its nodes.
        CRSError
            If it has no CRS, or coordinates outside the world.

        Examples
        --------
        >>> import networkx as nx
        >>> from patrolmap.streets import StreetNetwork
        >>> graph = nx.MultiDiGraph(crs="EPSG:4326")
        >>> graph.add_node(1, x=76.9450, y=43.2380)
        >>> graph.add_node(2, x=76.9462, y=43.2380)
        >>> _ = graph.add_edge(1, 2, osmid=7, highway="residential", oneway=True, name="Abai")
        >>> streets = StreetNetwork.from_networkx(graph)
        >>> columns = ["name", "length", "walk", "drive_forward", "drive_backward"]
        >>> streets.segments[columns].values.tolist()
        [['Abai', 97.462, True, True, False]]
        >>> StreetNetwork.from_networkx(streets.to_networkx()) == streets
        True
        """
        from patrolmap.streets.sources.graphs import own_parts, read_graph

        if boundary is None and crs is None and (sidewalks, max_segment_length) == ("merge", 200.0):
            parts = own_parts(graph)
            with suppress(SchemaError):  # changed since to something no table of ours may hold
                network = None if parts is None else cls(**parts)
                if network is not None and network.fingerprint == graph.graph["fingerprint"]:
                    return network
        return cls(
            **read_graph(
                graph,
                boundary=boundary,
                sidewalks=sidewalks,
                max_segment_length=max_segment_length,
                crs=crs,
            )
        )

    def summary(self) -> str:
        """Say in a few lines what the network holds and what reading dropped."""
        walkable = self.segments.loc[self.segments["walk"], "length"].sum()
        lost = self.report.get("walkable length dropped, not connected (m)", 0.0)
        share = lost / max(walkable + lost, 1e-9)
        lines = [repr(self)]
        lines.append(
            f"  walkable {walkable / 1000:,.1f} km; {share:.1%} was not connected and is left out"
        )
        lines += [f"  {name}: {value:,.0f}" for name, value in self.report.items()]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return (
            f"<StreetNetwork {len(self.segments):,} segments, {len(self.nodes):,} nodes, "
            f"{self.segments['length'].sum() / 1000:,.1f} km, {self.crs.to_string()[:24]}>"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)
