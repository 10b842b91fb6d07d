"""What may be shown to anyone: counts of events in cells, none small, nothing of juveniles."""

from typing import Any

import numpy as np
import pandas as pd

from patrolmap._crs import point_coordinates
from patrolmap.output._events import placed_events
from patrolmap.output._style import COUNT_RAMP, KIND_COLOURS
from patrolmap.output.maps.options import MapOptions
from patrolmap.output.maps.packing import Payload, pack_ints, pack_points
from patrolmap.streets.network import StreetNetwork

WITHHELD = "juvenile"
_STEPS = (1, 2, 5, 10, 20, 50)  # times the minimum: where the classes of the legend begin


def public_payload(events: Any, streets: StreetNetwork, options: MapOptions) -> Payload:
    """Return the counts of `public_cells` with the corners of their cells and a legend."""
    cells = public_cells(events, streets, options)
    keys = np.array(cells.index.to_list(), dtype=np.int64).reshape(-1, 2)
    size = options.cell_size
    return {
        "corners": pack_points(
            ((keys[:, 1, None] + np.array([0, 1, 1, 0])) * size).ravel(),
            ((keys[:, 0, None] + np.array([0, 0, 1, 1])) * size).ravel(),
            streets.crs, what="cells",
        ),
        "counts": {kind: pack_ints(cells[kind]) for kind in cells},
        "colours": {kind: KIND_COLOURS[kind] for kind in cells},
        "size": size,
        "minimum": options.minimum,
        "rounding": options.rounding,
        "legend": cell_legend(options),
    }  # fmt: skip


def public_cells(events: Any, streets: StreetNetwork, options: MapOptions) -> pd.DataFrame:
    """Count the events of each map in square cells of the streets' CRS.

    The cells' edges are whole multiples of their size, whatever the events are. A count under the
    minimum is left out, as if it were 0; the others are rounded. Nothing else of the events goes
    in: no total, no dates, no extent.

    Returns
    -------
    DataFrame
        Index (row, column): a cell's lower left corner, in sizes of a cell; a column a map, sorted.
        Only the cells that show something.
    """
    table = placed_events(events)
    table = table[table["kind"] != WITHHELD].to_crs(streets.crs)
    x, y = point_coordinates(table.geometry)
    cells = pd.DataFrame(
        {
            "row": np.floor(y / options.cell_size).astype(np.int64),
            "column": np.floor(x / options.cell_size).astype(np.int64),
            "kind": table["kind"].to_numpy(),
        }
    )
    counts = cells.groupby(["row", "column", "kind"]).size()
    shown = rounded(counts[counts >= options.minimum], options)
    places = shown.index.droplevel("kind").unique().sort_values()
    kinds = sorted(shown.index.get_level_values("kind").unique())
    by_kind = {kind: shown.xs(kind, level="kind").reindex(places, fill_value=0) for kind in kinds}
    return pd.DataFrame(by_kind, index=places)


def cell_legend(options: MapOptions) -> list[Payload]:
    """Return the classes of counts: where each begins, and its colour."""
    return [
        {"low": options.minimum * step, "colour": colour}
        for step, colour in zip(_STEPS, COUNT_RAMP, strict=True)
    ]


def rounded(counts: pd.Series, options: MapOptions) -> pd.Series:
    """Round counts to the nearest multiple, halves up; never below the minimum.

    Examples
    --------
    >>> rounded(pd.Series([5, 7, 8, 12]), MapOptions(minimum=5, rounding=5)).tolist()
    [5, 5, 10, 10]
    """
    step = options.rounding
    near = (counts + step // 2) // step * step
    return near.clip(lower=options.minimum)
