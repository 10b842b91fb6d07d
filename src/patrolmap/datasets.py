"""The bundled sample district: a small synthetic place to try everything on, offline."""

from dataclasses import dataclass, fields
from pathlib import Path

from patrolmap.errors import SourceNotFoundError

__all__ = ["SampleDistrict", "sample"]


@dataclass(frozen=True, kw_only=True)
class SampleDistrict:
    """Paths of the sample district's files, all synthetic and free to use (CC0).

    Attributes
    ----------
    streets : Path
        OSM extract (PBF) of about 3 x 3 km.
    boundary : Path
        GeoJSON polygon, slightly smaller than the extract.
    depots : Path
        CSV: name, lon, lat of three depots.
    crimes, accidents, juveniles : Path
        CSV, GeoJSON and GeoPackage in the style of the national maps; a few rows are bad on
        purpose.
    planted : Path
        JSON: the planted hot spots, and which rows are bad and why.
    config : Path
        TOML for `patrolmap plan`.
    """

    streets: Path
    boundary: Path
    depots: Path
    crimes: Path
    accidents: Path
    juveniles: Path
    planted: Path
    config: Path


_NAMES = {
    "streets": "district.osm.pbf",
    "boundary": "boundary.geojson",
    "depots": "depots.csv",
    "crimes": "crimes.csv",
    "accidents": "accidents.geojson",
    "juveniles": "juveniles.gpkg",
    "planted": "planted.json",
    "config": "district.toml",
}


def sample() -> SampleDistrict:
    """Return the paths of the bundled sample district.

    Returns
    -------
    SampleDistrict
        Its files as they lie in the installed package or, in a checkout, in `data/sample`.

    Raises
    ------
    SourceNotFoundError
        If the files are in neither place; says where they were looked for.

    Examples
    --------
    >>> from patrolmap import datasets
    >>> district = datasets.sample()
    >>> district.streets.name
    'district.osm.pbf'
    >>> district.depots.read_text(encoding="utf-8").splitlines()[0]
    'name,lon,lat'
    """
    package = Path(__file__).resolve().parent
    return _find([package / "_sample", package.parents[1] / "data" / "sample"])


def _find(folders: list[Path]) -> SampleDistrict:
    """Take the first folder that is there; it must hold every file."""
    folder = next((place for place in folders if place.is_dir()), None)
    if folder is None:
        looked = " and ".join(str(place) for place in folders)
        raise SourceNotFoundError(
            f"the sample district is not on this machine; looked for {looked}. Install patrolmap "
            "again, or in a checkout run: python tools/make_sample.py"
        )
    paths = {field.name: folder / _NAMES[field.name] for field in fields(SampleDistrict)}
    missing = [path.name for path in paths.values() if not path.is_file()]
    if missing:
        raise SourceNotFoundError(
            f"the sample district in {folder} lacks {', '.join(missing)}. Install patrolmap "
            "again, or in a checkout run: python tools/make_sample.py"
        )
    return SampleDistrict(**paths)
