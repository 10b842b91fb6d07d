"""How QGIS draws a plan's layers: styles that travel inside its GeoPackage."""

import itertools
from collections.abc import Iterable
from html import escape
from unicodedata import category

import numpy as np
import pandas as pd

# As on the map: crews one by one, risk from light to dark.
CREW_COLOURS = (
    "#0072b2", "#1b1b1b", "#2ca25f", "#7c5cff", "#56b4e9", "#005f73", "#332288", "#00a6a6",
)  # fmt: skip
GROUND_COLOURS = {"park": "#dfe7d0", "water": "#c8dbe6"}
RISK_RAMP = ("#efe3c0", "#fbd277", "#fba23b", "#e8731b", "#bf4508", "#7a2406")
_SHARES = (0.5, 0.75, 0.9, 0.95, 0.99)  # quantiles of risky segments between the classes


def layer_styles(
    routes: pd.DataFrame, segments: pd.DataFrame, *, grounds: bool = False
) -> pd.DataFrame:
    """Return the table by which QGIS finds the default style of each layer of a GeoPackage.

    Routes are drawn one colour a crew with arrows along them, segments by risk, depots as squares,
    and, if there are `grounds`, parks green and water blue.

    Examples
    --------
    >>> import pandas as pd
    >>> table = layer_styles(
    ...     pd.DataFrame(index=["night-1"]), pd.DataFrame({"risk": [0.0, 1.0]})
    ... )
    >>> table["f_table_name"].tolist()
    ['routes', 'segments', 'stops']
    """
    drawn = {
        "routes": _routes([str(route_id) for route_id in routes.index]),
        "segments": _segments(segments["risk"].to_numpy(np.float64)),
        "stops": _stops(),
    }
    if grounds:
        drawn["grounds"] = _grounds()
    rows = [
        {
            "f_table_catalog": "", "f_table_schema": "", "f_table_name": layer,
            "f_geometry_column": "geom", "styleName": layer, "styleQML": qml, "styleSLD": "",
            "useAsDefault": True, "description": "patrolmap: for official use only", "owner": "",
            "ui": "", "update_time": pd.Timestamp("2000-01-01", tz="UTC"),
        }
        for layer, qml in drawn.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _routes(route_ids: list[str]) -> str:
    symbols = [
        _line(i, CREW_COLOURS[i % len(CREW_COLOURS)], 0.9, arrows=True)
        for i in range(len(route_ids))
    ]
    categories = "".join(
        f'<category symbol="{i}" value="{_safe(name)}" label="{_safe(name)}" render="true"/>'
        for i, name in enumerate(route_ids)
    )
    return _qml(
        f'type="categorizedSymbol" attr="route_id"><categories>{categories}</categories>', symbols
    )


def _segments(risk: np.ndarray) -> str:
    risky = risk[risk > 0]
    breaks = np.unique(np.quantile(risky, _SHARES)) if len(risky) else np.array([])
    edges = [0.0, *breaks.tolist(), max(float(risk.max(initial=0.0)), 1e-9)]
    bounds = [(a, b) for a, b in itertools.pairwise(edges) if b > a]
    ranges = "".join(
        f'<range symbol="{i}" lower="{a:.12g}" upper="{b:.12g}" label="{a:.3g} – {b:.3g}" '
        'render="true"/>'
        for i, (a, b) in enumerate(bounds)
    )
    last = len(RISK_RAMP) - 1
    symbols = [
        _line(i, RISK_RAMP[last - (len(bounds) - 1 - i)], 0.3 + 0.15 * i)
        for i in range(len(bounds))
    ]
    return _qml(
        f'type="graduatedSymbol" attr="risk" graduatedMethod="GraduatedColor"><ranges>{ranges}'
        "</ranges>",
        symbols,
    )


def _stops() -> str:
    square = {"name": "square", "color": _rgb("#000000"), "outline_color": _rgb("#ffffff"),
              "size": "4", "size_unit": "MM"}  # fmt: skip
    symbol = f'<symbol type="marker" name="0" alpha="1">{_layer("SimpleMarker", square)}</symbol>'
    return _qml('type="singleSymbol">', [symbol])


def _grounds() -> str:
    categories = "".join(
        f'<category symbol="{i}" value="{kind}" label="{kind}" render="true"/>'
        for i, kind in enumerate(GROUND_COLOURS)
    )
    symbols = []
    for i, colour in enumerate(GROUND_COLOURS.values()):
        fill = {"color": _rgb(colour), "style": "solid", "outline_style": "no"}
        layer = _layer("SimpleFill", fill)
        symbols.append(f'<symbol type="fill" name="{i}" alpha="1">{layer}</symbol>')
    return _qml(
        f'type="categorizedSymbol" attr="kind"><categories>{categories}</categories>', symbols
    )


def _line(number: int, colour: str, width: float, *, arrows: bool = False) -> str:
    plain = {"line_color": _rgb(colour), "line_width": f"{width:g}", "line_width_unit": "MM",
             "capstyle": "round", "joinstyle": "round"}  # fmt: skip
    layers = _layer("SimpleLine", plain)
    if arrows:
        head = {"name": "filled_arrowhead", "color": _rgb(colour), "outline_color": _rgb("#ffffff"),
                "size": "3", "size_unit": "MM"}  # fmt: skip
        marker = _layer("SimpleMarker", head)
        along = {"interval": "15", "interval_unit": "MM", "placements": "Interval", "rotate": "1"}
        symbol = f'<symbol type="marker" name="@{number}@1" alpha="1">{marker}</symbol>'
        layers += _layer("MarkerLine", along, symbol)
    return f'<symbol type="line" name="{number}" alpha="1">{layers}</symbol>'


def _layer(kind: str, options: dict[str, str], inner: str = "") -> str:
    listed = "".join(
        f'<Option type="QString" name="{name}" value="{value}"/>' for name, value in options.items()
    )
    return (
        f'<layer class="{kind}" enabled="1" locked="0" pass="0"><Option type="Map">{listed}'
        f"</Option>{inner}</layer>"
    )


def _qml(renderer: str, symbols: Iterable[str]) -> str:
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f'<qgis version="3.28.0" styleCategories="Symbology"><renderer-v2 {renderer}'
        f"<symbols>{''.join(symbols)}</symbols></renderer-v2></qgis>"
    )


def _rgb(colour: str) -> str:
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5)) + ",255"


def _safe(text: str) -> str:
    """Write text as an attribute of XML; control characters have no place there."""
    bad = {c for c in text if category(c) in ("Cc", "Cs") or c in "\ufffe\uffff"}
    return escape("".join(" " if c in bad else c for c in text))
