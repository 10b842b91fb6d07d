"""Whatever comes in, a table that obeys the schema comes out, or an error with a name."""

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from patrolmap.errors import PatrolmapError
from patrolmap.events import check_events
from patrolmap.schema import EVENTS, validate

FEW = settings(max_examples=40, deadline=None,
               suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
GOOD = (
    "id,date,time,category,lon,lat\n"
    + "".join(f"{i},{i % 28 + 1:02d}.05.2024,{i % 24}:30,theft,76.{i + 10},43.25\n"
              for i in range(30))
)  # fmt: skip

dates = st.one_of(
    st.datetimes().map(lambda d: d.isoformat(sep=" ")),
    st.dates().map(lambda d: d.strftime("%d.%m.%Y")),
    st.dates().map(lambda d: d.strftime("%m/%d/%y")),
    st.integers(-(10**15), 10**15).map(str),
    st.text(max_size=12),
    st.sampled_from(["", "2024-02-30", "99.99.9999", "31.12.2023 24:00", "2024-05-01T10:00+99:99"]),
    st.none(),
)
numbers = st.one_of(
    st.floats(width=32), st.floats(76.8, 77.0), st.floats(43.2, 43.3), st.just(0.0), st.none(),
    st.text(max_size=4),
)  # fmt: skip
rows = st.fixed_dictionaries(
    {
        "id": st.one_of(st.integers(0, 5), st.none(), st.text(max_size=3)),
        "date": dates,
        "category": st.one_of(
            st.text(max_size=50), st.none(), st.sampled_from(["ст.188 ч.1", "x"])
        ),
        "lon": numbers,
        "lat": numbers,
    }
)
good_row = {"id": "good", "date": "2024-05-13 10:00", "category": "x", "lon": 76.9, "lat": 43.25}


def outcome(source):
    """Return the report, checked, or None where there was an error with a name."""
    try:
        report = check_events(source, kind="crime", tz="Asia/Almaty", now="2026-01-01")
    except PatrolmapError as error:
        assert str(error)
        return None
    validate(report.events, EVENTS)
    assert list(report.events.columns) == EVENTS.names
    assert report.kept == len(report.events) > 0
    assert report.rows == report.kept + sum(report.dropped.values())
    assert len(report.rejects) == report.rows - report.kept
    assert report.rejects["row"].is_unique
    assert np.isfinite(report.events.geometry.x).all()
    ends = report.events[["occurred_from", "occurred_to"]].dropna()
    assert (ends["occurred_to"] >= ends["occurred_from"]).all()
    assert report.summary()
    return report


@FEW
@given(st.lists(rows, min_size=1, max_size=8))
def test_any_table_gives_a_table_of_events_or_a_named_error(cells):
    table = pd.DataFrame([*cells, good_row], dtype=object)
    report = outcome(table)
    assert report is None or report.rows == len(table)


@FEW
@given(st.lists(rows, min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(cells, random):
    cells = [*cells, cells[0], good_row]
    shuffled = random.sample(cells, len(cells))
    one, other = (outcome(pd.DataFrame(table, dtype=object)) for table in (cells, shuffled))
    assert (one is None) == (other is None)
    if one is not None:
        assert one.dropped == other.dropped


@settings(FEW, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) + 5), st.binary(max_size=6)), max_size=6),
       st.integers(0, len(GOOD)))  # fmt: skip
@example([(0, b"\xff\xfe")], 0)
@example([(40, b'"')], 0)
def test_mangled_csv_gives_a_table_of_events_or_a_named_error(tmp_path, edits, cut):
    data = bytearray(GOOD.encode())
    for at, insert in edits:
        data[at : at + len(insert) // 2] = insert
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(data[: len(data) - cut]))
    outcome(path)


@settings(FEW, max_examples=40)
@given(st.lists(st.lists(st.one_of(dates, numbers.map(str)), min_size=1, max_size=6), max_size=6))
def test_any_text_cut_by_commas_gives_a_table_of_events_or_a_named_error(tmp_path, lines):
    path = tmp_path / "a.csv"
    good = [["2024-05-13 10:00", "76.9", "43.25"]] * (len(lines) + 1)
    text = "date,lon,lat\n" + "\n".join(",".join(map(str, line)) for line in [*lines, *good])
    path.write_bytes(text.encode("utf-8", "replace"))
    outcome(path)


@settings(FEW, max_examples=40)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_mangled_geojson_gives_a_table_of_events_or_a_named_error(tmp_path, at, insert):
    text = (
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":1,'
        '"date":"2024-05-01T10:00:00","category":"x"},"geometry":{"type":"Point","coordinates":'
        '[76.9,43.25]}},{"type":"Feature","properties":{"id":2,"date":"2024-05-02T10:00:00",'
        '"category":"x"},"geometry":{"type":"Point","coordinates":[76.91,43.25]}}]}'
    )
    data = bytearray(text.encode())
    data[at : at + 2] = insert
    path = tmp_path / "a.geojson"
    path.write_bytes(bytes(data))
    outcome(path)


@FEW
@given(
    st.lists(
        st.datetimes(min_value=pd.Timestamp("1980-01-01"), max_value=pd.Timestamp("2025-12-01")),
        min_size=1, max_size=20,
    ),
    st.sampled_from(
        ["Asia/Almaty", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe"]
    ),
)  # fmt: skip
def test_a_moment_written_with_its_offset_comes_back_whole(moments, tz):
    moments = [moment.replace(second=0, microsecond=0, minute=7) for moment in moments]
    aware = pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(tz)
    table = pd.DataFrame({"date": [moment.isoformat() for moment in aware], "lat": 43.25})
    table["lon"] = 76.9 + np.arange(len(table)) / 1000
    events = check_events(table, kind="crime", tz=tz, now="2026-01-01").events
    assert events["occurred_from"].tolist() == list(aware)
