"""A layer of an ArcGIS map service as a source: all of its rows, each once, or a named error."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from os import PathLike, fspath
from typing import Any

import numpy as np
import pandas as pd

from patrolmap.errors import OptionError, SchemaError, ServiceError, SourceFormatError
from patrolmap.events._columns import listing
from patrolmap.events._preset import ROOT, Preset, load_preset
from patrolmap.events.rows.sieve import Ints
from patrolmap.events.service.layer import Layer, Wanted, make_question, read_layer
from patrolmap.events.service.transport import Client, Patience, check_url
from patrolmap.events.sources.esri import Features, parse_features
from patrolmap.events.sources.source import Source

log = logging.getLogger(__name__)

LONGEST_LIST = 500  # object ids in one question: databases behind services take 1,000 at most
LISTINGS = 3  # times that count and list are compared before they are called contradictory
Tell = Callable[[float, str], None]


def is_url(source: Any) -> bool:
    """Tell whether a source is an address on the web; only text that says so is one.

    Raises
    ------
    OptionError
        If it was made into a path on its way here, which spoils it.
    """
    if isinstance(source, PathLike):
        if re.match(r"https?:[/\\]", str(fspath(source)), re.IGNORECASE):
            raise OptionError("the source is a web address made into a path; pass it as text.")
        return False
    return isinstance(source, str) and re.match(r"\s*https?://", source, re.IGNORECASE) is not None


def read_service(
    url: str,
    *,
    columns: Mapping[str, str | None] | None = None,
    preset: Preset | None = None,
    where: str | None = None,
    start: Any = None,
    end: Any = None,
    tz: tzinfo | None = None,
    area: Any = None,
    progress: Tell | None = None,
    patience: Patience | None = None,
) -> Source:
    """Read the rows of a layer that meet a condition, from start to end, in the box of an area.

    The object ids of the rows are listed first and every row is checked off: pages that overlap,
    leave rows out or are cut by a limit are noticed, and what is missing is asked for by its id.

    Parameters
    ----------
    url
        Address of a layer, `.../MapServer/5` or `.../FeatureServer/1`.
    columns, preset
        As in `read_events`; only fields that serve a role are asked for.
    where
        Condition in the SQL of the service.
    start, end
        Half-open range of the layer's date, naive ones in `tz`.
    tz
        Zone of `start` and `end`.
    area
        Polygon in degrees, whose box is asked for.
    progress
        Called with the share of rows that have arrived (0 to 1), and the step.
    patience
        Limits of tries, time and size.

    Raises
    ------
    ServiceError
        If the service cannot be reached, refuses, answers with something else, or keeps rows back.
    SchemaError
        If a field is gone, or no row meets the condition.
    OptionError
        If the address, `where`, `start` or `end` make no sense.
    """
    client = Client(check_url(url), patience)
    try:
        layer = read_layer(client)
        wanted = make_question(
            layer, columns=columns, preset=preset or load_preset(ROOT), where=where, start=start,
            end=end, tz=tz, area=area,
        )  # fmt: skip
        reading = _Reading(
            client=client, layer=layer, wanted=wanted, tell=progress or (lambda share, step: None)
        )
        source = reading.whole()
    finally:
        client.close()
    log.info("%s: %d rows in %d requests", layer.name, source.total, client.requests)
    return source


@dataclass(kw_only=True, eq=False)
class _Reading:
    """Pages of one layer as they arrive."""

    client: Client
    layer: Layer
    wanted: Wanted
    tell: Tell
    listed: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    pages: list[Features] = field(default_factory=list)
    came: set[int] = field(default_factory=set)
    rows: int = 0

    def whole(self) -> Source:
        """Read every row once."""
        if self.layer.oid is None:
            return self._source(self._one_page(), ())
        self.listed = self._list()
        if self.layer.pages:
            self._by_offset()
        notes = self._by_ids(self._missing(self.listed))
        table, geometry = self._check_off()
        self.tell(1.0, "reading")
        extra = self.rows - len(table)
        notes += (f"{extra:,} rows came twice or unasked and count once",) if extra else ()
        return self._source((table, geometry), notes)

    # What there is -------------------------------------------------------------------------------

    def _list(self) -> Ints:
        """Return the object ids of all rows wanted, ascending; their number must be the count's."""
        for _ in range(LISTINGS):
            count = self._count()
            told = self._ask({"returnIdsOnly": "true"}, "the list of object ids")
            ids = np.unique(_whole_numbers(told.get("objectIds") or [], self.layer))
            if count == len(ids) and told.get("exceededTransferLimit") is not True:
                break
        else:
            raise ServiceError(
                f"{self.layer.name} counts {count:,} rows but lists the ids of {len(ids):,}: it "
                "changes while it is read, or hides rows. Ask for less at a time: where=, start=, "
                "end=."
            )
        if len(ids) == 0:
            raise SchemaError(
                f"no row of {self.layer.name} is as asked ({'; '.join(self.wanted.notes)}). "
                "Widen where=, start=, end= or boundary=."
            )
        return ids

    def _count(self) -> int:
        count = self._ask({"returnCountOnly": "true"}, "the number of rows").get("count")
        if not isinstance(count, int) or count < 0:
            raise ServiceError(f"{self.layer.name} does not say how many rows it has.")
        return count

    def _missing(self, ids: Ints) -> Ints:
        return np.array([one for one in ids.tolist() if one not in self.came], dtype=np.int64)

    # Pages ---------------------------------------------------------------------------------------

    def _by_offset(self) -> None:
        """Take page after page in the order of ids, until one brings nothing new."""
        offset, step, total = 0, 0, len(self.listed)
        while offset < total:
            step += 1
            params = {
                "orderByFields": f"{self.layer.oid} ASC",
                "resultOffset": offset,
                "resultRecordCount": self.layer.limit,
            }
            page, new = self._page(params, f"page {step}, from row {offset + 1:,}")
            if new == 0:
                return
            # A page may be shorter than asked for: the next begins where this one really ended.
            offset += len(page.table)

    def _by_ids(self, ids: Ints) -> tuple[str, ...]:
        """Ask for rows by their ids, in smaller pieces where fewer come than were asked for."""
        todo = _pieces(ids, self.layer.limit)[::-1]
        lost: list[int] = []
        while todo:
            part = todo.pop()
            if len(part) > LONGEST_LIST and not self._unbroken(part):
                todo += _pieces(part, LONGEST_LIST)[::-1]
                continue
            page, new = self._page(self._these(part), f"{len(part):,} rows from id {part[0]}")
            left = self._missing(part)
            if new == 0 and not (page.exceeded and len(part) > 1):
                lost += left.tolist()
            elif len(left):
                todo += _pieces(left, new or (len(part) + 1) // 2)[::-1]
        return self._explain(lost)

    def _unbroken(self, part: Ints) -> bool:
        """Tell whether a range from the first to the last id takes in these rows and no others."""
        first, last = np.searchsorted(self.listed, part[[0, -1]])
        return bool(last - first + 1 == len(part))

    def _these(self, part: Ints) -> dict[str, Any]:
        if not self._unbroken(part):
            return {"objectIds": ",".join(map(str, part.tolist()))}
        between = f"{self.layer.oid} >= {part[0]} AND {self.layer.oid} <= {part[-1]}"
        return {"where": f"({self.wanted.params['where']}) AND {between}"}

    def _explain(self, lost: list[int]) -> tuple[str, ...]:
        """Accept that rows do not come only where the service no longer lists them."""
        if not lost:
            return ()
        kept = np.intersect1d(lost, self._list())
        if len(kept):
            raise ServiceError(
                f"{self.layer.name} sent {len(self.came):,} of {len(self.listed):,} rows and not "
                f"the other {len(kept):,}, though it lists them, e.g. {self.layer.oid} {kept[0]}. "
                "Try again later, or leave them out with where=."
            )
        return (f"{len(lost):,} rows were deleted from the service while it was read",)

    def _page(self, params: Mapping[str, Any], what: str) -> tuple[Features, int]:
        """Ask for rows; return them, and how many of them are new."""
        arrived = f"{len(self.came):,} of {len(self.listed):,} rows had arrived"
        page = self._features(params, f"{what} ({arrived})")
        new = 0
        if len(page.table):
            ids = set(_whole_numbers(page.table[self.layer.oid], self.layer).tolist())
            new = len(ids - self.came)
            self.came |= ids
            self.pages.append(page)
            self.rows += len(page.table)
        self.tell(min(len(self.came) / len(self.listed), 1.0), "reading")
        return page, new

    def _one_page(self) -> tuple[pd.DataFrame, Any]:
        """Read a layer without object ids, which cannot be cut into pages that add up."""
        count = self._count()
        page = self._features({}, f"all {count:,} rows")
        if page.exceeded or len(page.table) != count:
            raise ServiceError(
                f"{self.layer.name} has {count:,} rows but sends {len(page.table):,} at a time, "
                "and no object ids by which to ask for the others. Ask for less: where=, start=, "
                "end=."
            )
        if count == 0:
            raise SchemaError(f"no row of {self.layer.name} is as asked; widen where=.")
        self.pages.append(page)
        return page.table[list(self.wanted.fields)], page.geometry

    def _features(self, params: Mapping[str, Any], what: str) -> Features:
        frame = {"outFields": ",".join(self.wanted.fields), "returnGeometry": "true"}
        frame |= {} if self.layer.placed or not self.layer.points else {"outSR": "4326"}
        told = self._ask({**frame, **params}, what)
        try:
            page = parse_features(told, f"the answer of {self.client.host} to {what}")
        except SourceFormatError as error:
            raise ServiceError(str(error).replace("Export it again.", "Try again later.")) from None
        gone = [name for name in self.wanted.fields if name not in page.table]
        if gone and len(page.table):
            raise ServiceError(
                f"{self.layer.name} announces the field {gone[0]!r} but does not send it; it sends "
                f"{listing(page.table.columns)}. The layer was changed: name its fields with "
                "columns={...}."
            )
        return page

    def _ask(self, params: Mapping[str, Any], what: str) -> Mapping[str, Any]:
        return self.client.ask("/query", {**self.wanted.params, **params, "f": "json"}, what)

    # Together ------------------------------------------------------------------------------------

    def _check_off(self) -> tuple[pd.DataFrame, Any]:
        """Put the pages together: each row listed once, the later copy, in the order of ids."""
        if not self.pages:
            raise ServiceError(f"{self.layer.name} lists rows but sends none; try again later.")
        table = _together([page.table[list(self.wanted.fields)] for page in self.pages])
        geometry = np.concatenate([page.geometry for page in self.pages])
        ids = _whole_numbers(table[self.layer.oid], self.layer)
        order = np.argsort(ids, kind="stable")
        last = np.append(ids[order][1:] != ids[order][:-1], True)
        at = order[last & np.isin(ids[order], self.listed)]
        return table.iloc[at].reset_index(drop=True), geometry[at]

    def _source(self, found: tuple[pd.DataFrame, Any], notes: tuple[str, ...]) -> Source:
        table, geometry = found
        systems = list(dict.fromkeys(page.crs for page in self.pages))
        if len(systems) > 1:
            raise ServiceError(f"{self.layer.name} changes its coordinate system between pages.")
        said = f"layer {self.layer.title!r} of a map service, {self.client.requests} requests"
        kept_back = (self.client.note,) if self.client.note else ()
        return Source(
            table=table,
            rows=np.arange(1, len(table) + 1, dtype=np.int64),
            name=self.layer.name,
            geometry=geometry if self.layer.points else None,
            crs=systems[0] if self.layer.points else None,
            between=self.wanted.between,
            notes=(said, *self.wanted.notes, *notes, *kept_back),
        )


def _pieces(ids: Ints, size: int) -> list[Ints]:
    return [ids[at : at + size] for at in range(0, len(ids), size)]


def _whole_numbers(values: Any, layer: Layer) -> Ints:
    try:
        return np.asarray(values, dtype=np.int64)
    except (ValueError, TypeError, OverflowError) as error:
        raise ServiceError(f"{layer.name} has object ids that are no whole numbers.") from error


def _together(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Join pages; a column that is empty on one page takes the type it has on the others."""
    columns = {}
    for name in tables[0].columns:
        parts = [table[name] for table in tables]
        filled = [part for part in parts if part.notna().any()] or parts[:1]
        kind = pd.concat(filled, ignore_index=True).dtype
        kind = pd.Int64Dtype() if kind.kind == "i" else kind
        parts = [part if part.notna().any() else part.astype(kind) for part in parts]
        columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns)
