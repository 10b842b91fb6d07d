"""Presets: the shape of a source, named once; files of one's own; what is wrong with them."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.errors import (
    ConfigError,
    OptionError,
    PatrolmapError,
    SchemaError,
    SourceNotFoundError,
)
from patrolmap.events import check_events, load_preset, read_events
from patrolmap.events._columns import plain_name
from patrolmap.events._preset import FOLDER
from patrolmap.schema import EVENTS, validate

NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
DOCS = Path(__file__).resolve().parents[2] / "docs" / "presets.md"


def kz_crimes(**changes):
    """Return three rows in the shape of the old crime service."""
    rows = {
        "OBJECTID": [1, 2, 3],
        "CRIME_CODE": ["1880", "2960", "1081"],
        "STAT": ["ст.188 ч.3", "ст.296 ч.2", ""],
        "HARD_CODE": ["3", "0", "0"],
        "TRANSGRESSION": ["5", "6", "5"],
        "UD": ["197512031000123", "197512031000124", "197512031000125"],
        "DAT_SOVER": [1581193800000, 1581120000000, 1581206400000],
        "FE1R29P1_ID": ["039", "1", None],
        "x": [687592.9564, 687692.9, 687792.9],
        "y": [4743963.6819, 4743963.7, 4743963.7],
    }
    return pd.DataFrame(rows | changes)


def test_the_presets_that_are_promised_are_there():
    promised = {"kz_crime", "kz_accident", "kz_juvenile", "kz_calls", "chicago", "uk_police",
                "portland_nij", "san_francisco", "nyc", "madison", "pittsburgh",
                "generic"}  # fmt: skip
    assert promised <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_says_what_it_reads_and_where_it_comes_from(name):
    preset = load_preset(name)
    assert preset.title and preset.source and preset.name == name
    assert name == "generic" or preset.kind
    assert all(
        column == plain_name(column) for names in preset.columns.values() for column in names
    )


def test_the_crime_service_reads_by_its_preset_alone():
    events = read_events(kz_crimes(), preset="kz_crime")
    assert events["kind"].unique().tolist() == ["crime"]
    assert events["occurred_from"].iloc[0] == pd.Timestamp("2020-02-08 20:30", tz="Asia/Almaty")
    assert events["time_precision"].tolist() == ["minute", "day", "day"]
    assert events["category"].tolist() == ["theft", "drugs", "violence"]
    assert events["article"].tolist() == ["188-3", "296-2", "108-1-0"]
    assert events["severity"].fillna("-").tolist() == ["grave", "misdemeanour", "-"]
    assert events["place"].fillna("-").tolist() == ["039", "001", "-"]
    assert events["police_initiated"].tolist() == [False, True, False]
    place = events.to_crs(4326).geometry.iloc[0]
    assert (place.x, place.y) == pytest.approx((71.3, 42.83), abs=0.05)


def test_the_new_service_reads_alike_and_leaves_out_what_was_discontinued():
    table = kz_crimes(discontinued=[0, 1, None])
    table.columns = [name.lower() for name in table.columns]
    report = check_events(table, preset="kz_crime")
    assert report.dropped == {"left out by the preset": 1}
    assert report.rejects["wanted"].tolist() == ["discontinued one of , 0"]
    assert report.kept == 2


def test_rows_that_a_preset_leaves_out_neither_warn_nor_break_strict():
    assert len(read_events(kz_crimes(discontinued=[0, 1, 0]), preset="kz_crime", strict=True)) == 2


def test_coordinates_in_degrees_need_not_the_crs_of_the_preset():
    table = kz_crimes(x=[76.9, 76.91, 76.92], y=[43.2, 43.2, 43.2])
    assert read_events(table, preset="kz_crime").crs.to_epsg() == 32643


def test_the_juvenile_map_is_shaped_as_the_crime_map():
    events = read_events(kz_crimes(), preset="kz_juvenile")
    assert events["kind"].unique().tolist() == ["juvenile"]
    assert events["article"].iloc[0] == "188-3"


def test_the_row_of_the_old_service_in_a_plain_csv_reads(tmp_path):
    # The layout of the country-wide dump: epochs cut to 32 bits, so only the texts can be trusted.
    path = tmp_path / "row.csv"
    path.write_text(
        "OBJECTID,CRIME_CODE,DAT_SOVER,STAT,DAT_SOVER_STR,x,y\n"
        "2813740,1880,2147483647,ст.188 ч.1,28.01.2016 00:00,220375.6059,4974787.0408\n"
        "2813741,1880,2147483647,ст.188 ч.1,29.01.2016 10:30,220475.6059,4974787.0408\n",
        encoding="utf-8",
    )
    events = read_events(path, preset="kz_crime", tz="Asia/Qyzylorda")
    assert events["time_precision"].tolist() == ["day", "minute"]
    assert str(events["occurred_from"].dt.tz) == "Asia/Qyzylorda"


def test_the_accident_map_tells_who_was_hurt():
    table = pd.DataFrame(
        {
            "objectid": [1, 2, 3, 4], "rta_date": [1581120000000] * 4,
            "fd1r05p1": ["07:05", "", "23:59", "12:00"],
            "type_dtp": ["Наезд на пешехода", "Столкновение", "Падение пассажира", None],
            "fd1r13p1": [1, 2, 0, None], "fd1r13p2": [1, 0, 0, None],
            "lon": [76.9, 76.91, 76.92, 76.93], "lat": 43.25,
        }
    )  # fmt: skip
    events = read_events(table, preset="kz_accident")
    assert events["category"].tolist() == [
        "accident_pedestrian", "accident_vehicle", "accident_other", "unknown",
    ]  # fmt: skip
    assert events["severity"].fillna("-").tolist() == ["fatal", "injury", "damage", "-"]
    assert events["time_precision"].tolist() == ["minute", "day", "minute", "minute"]


def test_calls_read_with_russian_headers():
    table = pd.DataFrame({"Дата вызова": ["31.12.2023", "30.12.2023"], "Время": ["23:15", "10:00"],
                          "Тип происшествия": ["Семейный скандал", "Драка"],
                          "Широта": [43.25, 43.26], "Долгота": 76.9})  # fmt: skip
    events = read_events(table, preset="kz_calls")
    assert events["kind"].unique().tolist() == ["call"]
    assert events["category"].tolist() == ["domestic", "disorder"]


def chicago():
    return pd.DataFrame(
        {
            "ID": [13311263, 13053066, 12131221],
            "Case Number": ["JG503434", "JG103252", "JD327000"],
            "Date": ["07/05/2022 03:00:00 PM", "01/03/2023 04:44:00 PM", "08/10/2020 09:45:00 AM"],
            "Block": ["0000X N KEELER AVE"] * 3,
            "Primary Type": ["BATTERY", "NARCOTICS", "GAMBLING"],
            "Description": ["DOMESTIC BATTERY SIMPLE", "POSSESS - CRACK", "GAME/DICE"],
            "Location Description": ["APARTMENT", "SIDEWALK", "SIDEWALK"],
            "Domestic": [True, False, False],
            "X Coordinate": [None, 1160870, 1148870],
            "Y Coordinate": [None, 1898642, 1899642],
            "Latitude": [41.8776, 41.8776, 41.8804],
            "Longitude": [-87.7290, -87.6850, -87.7290],
        }
    )


def test_chicago_reads_as_the_portal_exports_it():
    events = read_events(chicago(), preset="chicago")
    assert events["category"].tolist() == ["domestic", "drugs", "other"]
    assert events["police_initiated"].tolist() == [False, True, True]
    assert events["occurred_from"].dt.strftime("%d.%m.%Y %H:%M").tolist() == [
        "05.07.2022 15:00", "03.01.2023 16:44", "10.08.2020 09:45",
    ]  # fmt: skip
    assert not events.index.str.contains("JG").any()
    by_feet = chicago().drop(columns=["Latitude", "Longitude"]).iloc[1:]
    feet = read_events(by_feet, preset="chicago", crs=events.crs)
    assert feet.geometry.iloc[0].distance(events.geometry.iloc[1]) < 300


def test_the_form_of_dates_of_a_preset_is_only_a_help():
    table = chicago().rename(columns=lambda name: name.lower().replace(" ", "_"))
    table["date"] = [
        "2022-07-05T15:00:00.000",
        "2023-01-03T16:44:00.000",
        "2020-08-10T09:45:00.000",
    ]
    assert read_events(table, preset="chicago")["time_precision"].eq("minute").all()


def test_british_police_data_are_known_by_their_month():
    table = pd.DataFrame(
        {
            "Crime ID": ["", "0f" * 32, "1a" * 32],
            "Month": ["2024-05"] * 3,
            "Longitude": [-0.1, -0.11, -0.12],
            "Latitude": [51.5, 51.51, 51.52],
            "Location": ["On or near High Street"] * 3,
            "Crime type": ["Anti-social behaviour", "Violence and sexual offences", "Drugs"],
        }
    )
    events = read_events(table, preset="uk_police")
    assert events["category"].tolist() == ["disorder", "violence", "drugs"]
    assert events["time_precision"].eq("month").all()
    assert events["occurred_to"].iloc[0] == pd.Timestamp("2024-06-01", tz="Europe/London")
    assert "High Street" not in events.to_csv()


def test_what_the_caller_says_goes_before_what_the_preset_says():
    table = chicago().assign(What="robbery")
    events = read_events(table, preset="chicago", columns={"category": "What"}, tz="UTC")
    assert set(events["category"]) == {"robbery"}
    assert str(events["occurred_from"].dt.tz) == "UTC"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"preset": "chicgo"}, "preset='chicgo' is none. Did you mean 'chicago'"),
        ({"preset": "zzz"}, "There are 'chicago'"),
        ({"preset": 7}, "preset is int"),
        ({"preset": "chicago", "kind": "call"}, "reads the map of kind 'crime'"),
        ({"preset": "generic"}, "kind= is missing; wanted one of .* 'kz_crime'"),
        ({}, "kind= is missing"),
        ({"kind": "crimes"}, "kind='crimes'"),
    ],
)
def test_a_preset_or_kind_that_cannot_be_is_an_error(options, words):
    with pytest.raises(OptionError, match=words):
        check_events(chicago(), **options)


def test_a_kind_that_agrees_with_the_preset_is_welcome():
    assert len(read_events(chicago(), preset="chicago", kind="crime")) == 3


def test_the_wrong_preset_is_told():
    with pytest.raises(SchemaError, match=r"none of the columns that the preset 'madison' knows"):
        check_events(chicago().rename(columns={"Latitude": "a", "Longitude": "b"}),
                     preset="madison")  # fmt: skip


def write(folder, text, name="my.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_ones_own_stands_on_another_preset(tmp_path):
    path = write(tmp_path, 'based_on = "portland_nij"\ntitle = "Thefts"\ncategory = "vehicle"\n')
    table = pd.DataFrame({"occ_date": ["2012-03-07"], "x_coordinate": [7646893],
                          "y_coordinate": [698007]})  # fmt: skip
    events = read_events(table, preset=path)
    assert events["category"].tolist() == ["vehicle"]
    assert events["kind"].tolist() == ["call"]
    lower = write(tmp_path, 'based_on = "my.toml"\nkind = "crime"\n', "other.toml")
    assert read_events(table, preset=str(lower))["kind"].tolist() == ["crime"]


def test_a_file_of_ones_own_adds_words_codes_and_articles(tmp_path):
    path = write(
        tmp_path,
        'kind = "crime"\ntz = "Asia/Almaty"\nmidnight = "unknown"\n'
        '[columns]\ncategory = "What"\n[codes.what]\n"Q7" = "arson"\n'
        '[words]\nweapons = ["pistol"]\n[articles]\nfraud = ["219"]\n'
        '[drop]\nstate = ["test"]\n',
    )
    table = pd.DataFrame({"What": ["q7", "theft with a pistol", "ст.219 ч.1", "Theft", "Theft"],
                          "date": ["2024-05-01 00:00"] + ["2024-05-01 10:00"] * 4,
                          "state": ["", "live", "live", "TEST", None],
                          "lon": np.linspace(76.9, 76.95, 5), "lat": 43.2})  # fmt: skip
    report = check_events(table, preset=path)
    assert report.events["category"].tolist() == ["arson", "weapons", "fraud", "theft"]
    assert report.events["time_precision"].tolist() == ["day", "minute", "minute", "minute"]
    assert report.dropped == {"left out by the preset": 1}
    assert any("preset 'my.toml'" in note for note in report.notes)


def test_an_epoch_of_any_column_may_be_local(tmp_path):
    path = write(tmp_path, 'kind = "crime"\ntz = "Asia/Almaty"\nepoch = "local"\n')
    table = pd.DataFrame({"date": [1581193800000], "lon": [76.9], "lat": [43.2]})
    assert read_events(table, preset=path)["occurred_from"].iloc[0].hour == 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind = ", "my.toml is no TOML file"),
        ('knid = "crime"', "there is no key 'knid'; did you mean 'kind'"),
        ("zzz = 1", "there is no key 'zzz'; wanted one of"),
        ("kind = 7", "kind: .*string.*given 7"),
        ('kind = "crimes"', "kind = 'crimes'; did you mean 'crime'"),
        ('epoch = "locale"', "epoch = 'locale'; did you mean 'local'"),
        ('category = "thefts"', "a category = 'thefts'; did you mean 'theft'"),
        ('[words]\nthefts = ["a"]', "did you mean 'theft'"),
        ('[columns]\nlatt = "a"', r"\[columns\]: a role = 'latt'; did you mean 'lat'"),
        (
            '[codes.category]\na = "thefts"',
            r"\[codes.category\] a = 'thefts'; did you mean 'theft'",
        ),
        ('[codes.nowhere]\na = "theft"', r"\[codes.nowhere\]"),
        ('[codes.domestic]\na = "maybe"', "wanted one of 'yes', 'no'"),
        ("[keep]\na = 1", "keep.a: .*list"),
        (
            '[police_initiated]\ncategory = ["drugs"]',
            "no key 'police_initiated.category'; did you mean 'categories'",
        ),
        ('[articles]\nfraud = ["ст.219"]', "article 'ст.219'; wanted its number"),
        ('[police_initiated]\narticles = ["296-1-2"]', "article '296-1-2'"),
        ('time_format = "%Q"', "time_format='%Q' cannot be used"),
        ('tz = "Asia/Almtay"', "'Asia/Almtay' is no time zone. Did you mean Asia/Almaty"),
        ('source_crs = "EPSG:1"', "source_crs='EPSG:1' is no system"),
        ('based_on = "kz_crim"', "based_on = 'kz_crim': .*Did you mean 'kz_crime'"),
        ('based_on = "none.toml"', r"based_on = 'none.toml': .*none.toml is not there"),
        ('based_on = "my.toml"', "leads back to itself"),
    ],
)
def test_a_file_that_is_wrong_says_its_key_and_the_mend(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words) as error:
        load_preset(write(tmp_path, text))
    assert "my.toml" in str(error.value)


def test_a_preset_cannot_be_changed_for_everybody():
    preset = load_preset("kz_crime")
    for table in (preset.columns, preset.keep, preset.drop, preset.articles, preset.codes,
                  preset.codes["hard_code"]):  # fmt: skip
        with pytest.raises(TypeError):
            table["severity"] = ("x",)


def test_a_filter_of_a_file_of_ones_own_that_meets_no_column_is_an_error(tmp_path):
    table = pd.DataFrame({"date": "2024-05-01", "status": "live", "lon": [76.9], "lat": [43.2]})
    for group in ("keep", "drop"):
        path = write(tmp_path, f'kind = "crime"\ntz = "Asia/Almaty"\n[{group}]\nstaus = ["live"]\n')
        with pytest.raises(SchemaError, match=r"'staus', which the table lacks. Did you mean 's"):
            read_events(table, preset=path)
    path = write(tmp_path, 'based_on = "kz_crime"\n[columns]\ndate = "date"\n')
    report = check_events(table, preset=path)  # not every service has what kz_crime looks for
    assert report.kept == 1 and any("no column 'discontinued'" in n for n in report.notes)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(SourceNotFoundError, match="a TOML file of a preset"):
        load_preset(tmp_path / "none.toml")


def test_kinds_of_place_are_codes_and_never_addresses():
    def places(*cells):
        table = pd.DataFrame({"where": cells, "lon": np.linspace(76.9, 76.92, len(cells)),
                              "lat": 43.2})  # fmt: skip
        return read_events(table, kind="crime", columns={"place": "where"})["place"]

    assert places("A-7", "021", 21, None).fillna("-").tolist() == ["A-7", "021", "21", "-"]
    assert places(*["Abay 5, 12.03.1990"] * 5).isna().all()


def test_the_presets_in_the_docs_read(tmp_path):
    blocks = re.findall(r"^```toml\n(# preset.*?)^```", DOCS.read_text("utf-8"), re.M | re.S)
    assert len(blocks) >= 2
    for number, block in enumerate(blocks):
        assert load_preset(write(tmp_path, block, f"{number}.toml")).kind


any_cells = st.one_of(
    st.none(), st.text(max_size=12), st.integers(-(10**13), 10**13), st.floats(), st.booleans(),
    st.sampled_from(["ст.188 ч.3", "1880", "yes", "2024-05", "31.12.2023 20:30", "OTHER"]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_any_cells_in_the_columns_of_a_preset_give_a_table_or_a_named_error(name, data):
    names = sorted(load_preset(name).own or load_preset(name).columns["category"])
    size = data.draw(st.integers(1, 5))
    columns = st.lists(any_cells, min_size=size, max_size=size)
    table = pd.DataFrame({column: data.draw(columns) for column in names}, dtype=object)
    table["longitude"], table["latitude"] = np.linspace(76.9, 76.92, size), 43.2
    kind = load_preset(name).kind or "crime"
    try:
        report = check_events(table, preset=name, kind=kind, tz="Asia/Almaty", harm="kz")
    except PatrolmapError as error:
        assert str(error)
        return
    validate(report.events, EVENTS)
    assert report.rows == report.kept + sum(report.dropped.values())
