"""Risk by segment, parted into the classes of a legend."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.output._text import one_line, span
from patrolmap.output.maps.packing import Floats, Payload, pack_bytes
from patrolmap.patrol.styles import RISK_RAMP
from patrolmap.risk.options import segment_values
from patrolmap.schema import EVENT_KINDS
from patrolmap.streets.network import StreetNetwork

_ABOVE = (0.5, 0.75, 0.9, 0.95, 0.99)  # shares of street length, or area, where classes part


def risk_payload(streets: StreetNetwork, risk: pd.Series | pd.DataFrame, lang: str) -> Payload:
    """Return risk by segment with its classes; of a table by map, the share of each map too."""
    values = segment_values(risk, streets)
    code, legend = risk_classes(streets, values)
    return {
        "value": pack_bytes(values, "f4"),
        "class": "".join(map(str, np.where(code < 0, 9, code).tolist())),
        "legend": legend,
        "unit": unit_words(risk.attrs.get("unit", "count")),
        "window": risk_window(risk.attrs, lang),
        "kinds": _kinds(streets, risk, values) if isinstance(risk, pd.DataFrame) else {},
    }


def risk_classes(
    streets: StreetNetwork, values: Floats
) -> tuple[npt.NDArray[np.int64], list[Payload]]:
    """Part the segments by risk per km, see `classes`; those outside or not walked are left out."""
    rows = streets.segments
    length = rows["length"].to_numpy()
    counted = (rows["inside"] & rows["walk"]).to_numpy() & (values > 0)
    return classes(values / length * 1000, length, counted, RISK_RAMP)


def shares_by_kind(streets: StreetNetwork, table: pd.DataFrame, values: Floats) -> dict[str, str]:
    """Return kind -> share of the risk of each segment that comes from that map, in 1/255."""
    out = {}
    for kind in EVENT_KINDS:
        if kind in table:
            part = table[kind].reindex(streets.segments.index, fill_value=0.0).to_numpy(np.float64)
            with np.errstate(invalid="ignore", divide="ignore"):
                share = np.where(values > 0, part / values, 0.0)
            out[kind] = pack_bytes(np.rint(np.clip(np.nan_to_num(share), 0, 1) * 255), "u1")
    return out


def _kinds(streets: StreetNetwork, risk: pd.DataFrame, values: Floats) -> dict[str, str]:
    named = all(isinstance(column, str) and column in EVENT_KINDS for column in risk.columns)
    return shares_by_kind(streets, risk, values) if named and len(risk.columns) > 1 else {}


def classes(
    values: Floats, size: Floats, counted: npt.NDArray[np.bool_], ramp: tuple[str, ...]
) -> tuple[npt.NDArray[np.int64], list[Payload]]:
    """Part values into six classes: the highest 1, 5, 10, 25, 50 % of the length or area.

    Breaks are rounded to two digits before use, so that the legend says exactly what is drawn;
    classes that end up empty are left out.

    Returns
    -------
    code : (n,) int
        Row of the legend, from 0 for the lowest; -1 where nothing is drawn.
    legend : list
        low, high (None at the top), colour, share (of all that is counted).
    """
    code = np.full(len(values), -1, dtype=np.int64)
    if not counted.any():
        return code, []
    value, weight = values[counted], size[counted]
    order = np.argsort(value, kind="stable")
    below = np.cumsum(weight[order]) / weight.sum()
    at = np.minimum(np.searchsorted(below, _ABOVE, side="right"), len(order) - 1)
    breaks = np.unique([float(f"{v:.2g}") for v in value[order][at]])
    found = np.searchsorted(breaks, value, side="right")
    used, code[counted] = np.unique(found, return_inverse=True)
    edges = [0.0, *breaks.tolist()]
    colours = [ramp[len(ramp) - len(used) + i] for i in range(len(used))]
    legend = [
        {
            "low": edges[row],
            "high": edges[used[i + 1]] if i + 1 < len(used) else None,
            "colour": colours[i],
            "share": round(float(weight[found == row].sum() / weight.sum()), 4),
        }
        for i, row in enumerate(used)
    ]
    return code, legend


def unit_words(unit: object) -> str:
    """Return the words for a unit of risk, to be translated on the page."""
    words = {"count": "events", "weighted count": "weighted events"}
    return words.get(str(unit), one_line(unit))


def risk_window(attrs: dict[Any, Any], lang: str) -> str:
    """Say which hours the risk is for: one window, or several where shifts leave gaps.

    Raises
    ------
    OptionError
        If what `risk.attrs` holds is no window.
    """
    windows = attrs.get("windows")
    if windows is None and "start" in attrs and "end" in attrs:
        windows = [[attrs["start"], attrs["end"]]]
    try:
        moments = [(pd.Timestamp(a), pd.Timestamp(b)) for a, b in windows or []]
        if any(not a < b for a, b in moments):
            raise ValueError("a window that does not end after it starts")
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"risk.attrs tell the hours {windows!r} ({error}); wanted pairs of moments in time, "
            "the start before the end, or neither 'windows' nor 'start' and 'end'."
        ) from error
    return "; ".join(span(a, b, lang) for a, b in moments)
