"""Styles for QGIS travel inside a plan's file, and no name can break out of them."""

import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from patrolmap.patrol import Plan
from patrolmap.patrol.styles import layer_styles


def test_the_file_carries_a_default_style_for_each_drawn_layer(
    night_plan: Plan, tmp_path: Path
) -> None:
    path = night_plan.to_file(tmp_path / "plan.gpkg")
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles "
            "WHERE f_table_catalog = '' AND f_table_schema = ''"
        ).fetchall()
        geometry = dict(db.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
        kind = db.execute(
            "SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'"
        ).fetchall()
        keys = [row[1] for row in db.execute("PRAGMA table_info(layer_styles)") if row[5]]
    assert kind == [("attributes",)]
    assert keys == ["id"]
    assert {row[0]: row[1] for row in rows} == {
        name: geometry[name] for name in ("routes", "segments", "stops")
    }
    assert all(row[2] for row in rows)
    for row in rows:
        assert ET.fromstring(row[3]).tag == "qgis"


def test_each_crew_has_its_colour_and_arrows() -> None:
    names = [f"night-{i}" for i in range(1, 4)]
    table = layer_styles(pd.DataFrame(index=names), pd.DataFrame({"risk": [1.0]}))
    root = ET.fromstring(table["styleQML"][0])
    renderer = root.find("renderer-v2")
    assert renderer is not None
    assert renderer.attrib == {"type": "categorizedSymbol", "attr": "route_id"}
    values = [(c.get("value"), c.get("symbol")) for c in renderer.iter("category")]
    assert values == [(name, str(i)) for i, name in enumerate(names)]
    symbols = renderer.findall("symbols/symbol")
    assert [symbol.get("name") for symbol in symbols] == ["0", "1", "2"]
    colours = {s.find("layer/Option/Option[@name='line_color']").get("value") for s in symbols}
    assert len(colours) == 3
    assert all(symbol.find("layer[@class='MarkerLine']") is not None for symbol in symbols)


@pytest.mark.parametrize(
    ("risk", "most"), [([0.0, 0.0], 1), ([0.0, 2.0], 2), ([], 1), ([k / 50 for k in range(99)], 6)]
)
def test_classes_of_risk_meet_and_hold_every_segment(risk: list[float], most: int) -> None:
    table = layer_styles(
        pd.DataFrame(index=[]), pd.DataFrame({"risk": pd.Series(risk, dtype=float)})
    )
    root = ET.fromstring(table["styleQML"][1])
    ranges = [(float(r.get("lower", "")), float(r.get("upper", ""))) for r in root.iter("range")]
    assert 1 <= len(ranges) <= most
    assert all(a < b for a, b in ranges)
    assert [b for _, b in ranges[:-1]] == [a for a, _ in ranges[1:]]
    assert all(ranges[0][0] <= value <= ranges[-1][1] for value in risk)


def test_parks_and_water_have_their_colours_where_the_plan_has_them() -> None:
    tables = pd.DataFrame(index=[]), pd.DataFrame({"risk": [1.0]})
    styles = layer_styles(*tables, grounds=True).set_index("f_table_name")["styleQML"]
    root = ET.fromstring(styles["grounds"])
    values = [(c.get("value"), c.get("symbol")) for c in root.iter("category")]
    assert values == [("park", "0"), ("water", "1")]
    fills = root.findall("renderer-v2/symbols/symbol/layer[@class='SimpleFill']")
    assert len({fill.find("Option/Option[@name='color']").get("value") for fill in fills}) == 2
    assert "grounds" not in layer_styles(*tables)["f_table_name"].tolist()


def test_a_name_with_spaces_that_do_not_break_is_found_by_its_style() -> None:
    name = "Түнгі\N{NO-BREAK SPACE}кезек\u200d-1"
    table = layer_styles(pd.DataFrame(index=[name]), pd.DataFrame({"risk": [1.0]}))
    (category,) = ET.fromstring(table["styleQML"][0]).iter("category")
    assert category.get("value") == name


def test_a_hostile_name_stays_a_value() -> None:
    bad = "\"/><evil a='1'>&\x00\ufffe\n]]>"
    table = layer_styles(pd.DataFrame(index=[bad]), pd.DataFrame({"risk": [1.0]}))
    root = ET.fromstring(table["styleQML"][0])
    assert not list(root.iter("evil"))
    (category,) = root.iter("category")
    assert category.get("value") == bad.replace("\x00\ufffe\n", "   ")
