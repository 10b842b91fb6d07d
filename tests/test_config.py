"""A wrong config is refused before anything runs, and says where it is wrong."""

from pathlib import Path

import pytest

import patrolmap as pm
from offices import spoil
from patrolmap.errors import ConfigError


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            'source = "district.osm.pbf"',
            'source = "nowhere.osm.pbf"',
            r"streets.source.*is no file",
        ),
        ('source = "crimes.csv"', 'source = "ftp://x.kz/a.csv"', r"events\[0\].source.*no file"),
        (
            'source = "crimes.csv"',
            'source = "https://u:p@x.kz/1"',
            r"events\[0\].source: .*password",
        ),
        ('source = "crimes.csv"', 'source = "crimes.csv"\nwhere = "a=1"', r"\[0\].where goes with"),
        ('source = "crimes.csv"', 'source = "crimes.csv"\nquery = "a"', r"\[0\].query goes with"),
        (
            'source = "crimes.csv"',
            'source = "postgresql://a@h/maps"',
            r"\[0\].source: .*wants query",
        ),
        (
            'source = "crimes.csv"',
            'source = "crimes.csv"\nboundary = "nowhere.geojson"',
            r"events\[0\].boundary = 'nowhere.geojson' is no file",
        ),
        ('kind = "crime"', 'preset = "chicgo"', r"preset='chicgo' is none. Did you mean 'chicago'"),
        ('kind = "crime"', 'preset = "mine.toml"', r"events\[0\].preset = 'mine.toml' is no file"),
        ('kind = "crime"', 'preset = "generic"', r"events\[0\].kind = None; wanted one of"),
        (
            'kind = "crime"',
            'kind = "crime"\npreset = "kz_accident"',
            r"kind = 'crime', but the preset 'kz_accident' reads the map of kind 'accident'",
        ),
        ('kind = "crime"', 'kind = "murder"', r"events\[0\].kind = 'murder'; wanted one of"),
        ('bandwidth = "auto"', "bandwidth = -1", r"risk.bandwidth: .*greater than 0.*given -1"),
        ('bandwidth = "auto"', "bandwith = 300", r"risk.bandwith: "),
        ('depot = "Базар"', 'depot = "Bazar"', r"depot 'Bazar' is not among the depots"),
        ('start = "20:00"', 'start = "25:00"', r"shifts.1.start"),
        ('duration = "5h"', 'duration = "six"', r"duration='six'; wanted a duration such as"),
        ('rules = "foot_night"', 'rules = "fly"', r"rules='fly'; wanted one of"),
        ('tz = "Asia/Almaty"', 'tz = "Asia/Atlantis"', r"tz: .*no time zone.*'Asia/Atlantis'"),
        ('tz = "Asia/Almaty"', 'tz = "Asia"', r"tz: .*no time zone"),
        ('tz = "Asia/Almaty"', 'tz = ""', r"tz: .*no time zone"),
        ('start = "20:00"', 'start = "20:00Z"', r"shifts.1.start: .*wanted a clock time"),
        ('start = "20:00"', "start = 20", r"shifts.1.start: .*wanted a clock time"),
        ('half_life = "180D"', 'half_life = "soon"', r"half_life='soon'"),
        ('name = "Алмалы"\nlon', 'name = "Базар"\nlon', r"depots \['Базар'\] stand more than once"),
        (
            'boundary = "boundary.geojson"',
            'boundary = "bondary.geojson"',
            r"streets.boundary.*is no file",
        ),
        (
            'boundary = "boundary.geojson"',
            'sidewalks = "drop"',
            r"streets.sidewalks: .*'merge' or 'keep'",
        ),
        ("[streets]", "[streets", r"not a TOML file"),
        ("crews = 2", "crews = 0", r"shifts.0.crews"),
    ],
)
def test_a_wrong_config_names_the_file_the_key_and_the_mend(
    home: Path, before: str, after: str, message: str
) -> None:
    config = spoil(home, before, after)
    with pytest.raises(ConfigError, match=message) as error:
        pm.NightlyConfig.from_file(config)
    assert "district.toml" in str(error.value)


def test_a_missing_config_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        pm.NightlyConfig.from_file(tmp_path / "none.toml")


def test_a_map_of_events_may_be_a_service(home: Path) -> None:
    address = "https://gis.example.kz/arcgis/rest/services/KPSSU/crime/FeatureServer/1"
    more = f'source = "{address}/"\nwhere = "discontinued=0"\nstart = 2024-01-01'
    part = pm.NightlyConfig.from_file(spoil(home, 'source = "crimes.csv"', more)).events[0]
    assert (part.source, part.where, str(part.start)) == (address, "discontinued=0", "2024-01-01")


def test_a_map_of_events_may_be_a_database(home: Path) -> None:
    query = "SELECT id, happened, article, geom FROM crimes"
    more = f'source = "postgresql://analyst@db.example.kz/maps"\nquery = "{query}"'
    part = pm.NightlyConfig.from_file(spoil(home, 'source = "crimes.csv"', more)).events[0]
    assert (part.source, part.query) == ("postgresql://analyst@db.example.kz/maps", query)


@pytest.mark.parametrize(
    "line",
    [
        'source = "postgresql://analyst:12345@db.example.kz/maps"',
        'source = "postgresql://db.example.kz/maps?user=a&PassWord=12345"',
        'source = "postgres://db.example.kz/maps?p%61ssword=12345"',
        'source = "https://analyst:12345@gis.example.kz/arcgis/rest/services/a/MapServer/1"',
        'source = "https://gis.example.kz/arcgis/rest/services/a/MapServer/1?token=12345"',
        'source = "ftp://analyst:12345@example.kz/crimes.csv"',
        'source = "crimes.csv"\npassword = "12345"',
        'source = "crimes.csv"\ntoken = "12345"',
        'source = ["https://analyst:12345@gis.example.kz/1"]',
    ],
)
def test_a_secret_in_a_config_is_refused_and_never_shown(home: Path, line: str) -> None:
    line += '\nquery = "SELECT 1"' if "postgres" in line else ""
    with pytest.raises(ConfigError, match=r"events.*0") as error:
        pm.NightlyConfig.from_file(spoil(home, 'source = "crimes.csv"', line))
    assert "12345" not in str(error.value)


def test_a_preset_of_ones_own_is_found_beside_the_config_and_may_state_kind_and_zone(
    home: Path,
) -> None:
    (home / "office.toml").write_text('kind = "juvenile"\ntz = "Asia/Tashkent"\n')
    config = spoil(home, 'kind = "crime"', 'preset = "office.toml"')
    part = pm.NightlyConfig.from_file(config).events[0]
    assert part.preset == str(home.resolve() / "office.toml")
    assert (part.shape.kind, part.shape.tz) == ("juvenile", "Asia/Tashkent")


@pytest.mark.parametrize("asked", ['"Алатауский район"', "3072216"])
def test_a_district_may_be_the_boundary_and_the_cache_lies_beside_the_config(
    home: Path, asked: str
) -> None:
    text = f'boundary = {asked}\ncache_dir = "cache"'
    config = pm.NightlyConfig.from_file(spoil(home, 'boundary = "boundary.geojson"', text))
    assert str(config.streets.boundary) == asked.strip('"')
    assert config.streets.cache_dir == home / "cache"


def test_a_night_may_be_planned_for_a_programme_and_by_harm(tmp_path: Path) -> None:
    from patrolmap.config import RiskPart
    from patrolmap.risk import NetworkKDE, RiskProfile

    plain = RiskPart(bandwidth=250, half_life="90D", method="esc", weights={"crime": 2}).model
    assert plain == NetworkKDE(bandwidth=250.0, half_life="90D", method="esc", weights={"crime": 2})
    assert RiskPart(programme="street_safety", weights={"crime": 2}).model == RiskProfile(
        programme="street_safety", kinds={"crime": 2}
    )
    assert RiskPart(harm=True, season=True).model == RiskProfile(
        harm=True, estimator=NetworkKDE(season=True)
    )
    own = tmp_path / "own.toml"
    own.write_text('title = "Own"\n[[rule]]\ncategory = ["theft"]\n', encoding="utf-8")
    part = RiskPart(programme="own.toml")._at_home(tmp_path)
    assert part.programme == str(own)
    assert len(part.model.programme) > 0
