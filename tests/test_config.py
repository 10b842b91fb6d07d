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
        ('source = "crimes.csv"', 'source = "https://x.kz/a.csv"', r"events\[0\].source.*no file"),
        ('kind = "crime"', 'kind = "murder"', r"events\[0\].kind = 'murder'; wanted one of"),
        ("bandwidth = 300", "bandwidth = -1", r"risk.bandwidth: .*greater than 0.*given -1"),
        ("bandwidth = 300", "bandwith = 300", r"risk.bandwith: "),
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


@pytest.mark.parametrize("asked", ['"Алатауский район"', "3072216"])
def test_a_district_may_be_the_boundary_and_the_cache_lies_beside_the_config(
    home: Path, asked: str
) -> None:
    text = f'boundary = {asked}\ncache_dir = "cache"'
    config = pm.NightlyConfig.from_file(spoil(home, 'boundary = "boundary.geojson"', text))
    assert str(config.streets.boundary) == asked.strip('"')
    assert config.streets.cache_dir == home / "cache"
