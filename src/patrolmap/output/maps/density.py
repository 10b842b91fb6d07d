"""A density raster as a picture that lies on the map, and its legend."""

import base64
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap._crs import lonlat_to, to_lonlat
from patrolmap.errors import OptionError
from patrolmap.output._style import DENSITY_RAMP
from patrolmap.output._text import one_line
from patrolmap.output.maps.packing import Floats, Payload
from patrolmap.output.maps.risk import classes
from patrolmap.risk import Raster

Shades = npt.NDArray[np.uint8]
_WIDEST = 1024  # pixels of the picture


def density_payload(density: object) -> Payload:
    """Return a raster as a picture that lies on the map as it is, and its legend.

    Raises
    ------
    OptionError
        If it is no `Raster`.
    """
    shaded = density_shades(density)
    picture, corners = _on_web_map(shaded)
    return {
        "image": f"data:image/png;base64,{base64.b64encode(_png(picture, DENSITY_RAMP)).decode()}",
        "corners": corners,
        "legend": shaded.legend,
        "unit": shaded.unit,
    }


@dataclass(frozen=True, kw_only=True)
class Shaded:
    """A raster in the colours of its legend: 0 is clear, k the k-th colour of the ramp."""

    raster: Raster
    shade: Shades
    legend: list[Payload]
    unit: str

    def at(self, x: Floats, y: Floats) -> Shades:
        """Return the shades at points in the raster's CRS; clear outside it."""
        raster = self.raster
        rows, columns = self.shade.shape
        column = np.floor((x - raster.bounds[0]) / raster.cell_size).astype(np.int64)
        row = np.floor((raster.bounds[3] - y) / raster.cell_size).astype(np.int64)
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        out = np.zeros(len(x), dtype=np.uint8)
        out[inside] = self.shade[row[inside], column[inside]]
        return out


def density_shades(density: object) -> Shaded:
    """Part a raster into the classes of a legend, by share of its area.

    Raises
    ------
    OptionError
        If it is no `Raster`.
    """
    if not isinstance(density, Raster):
        raise OptionError(
            f"density is a {type(density).__name__}; wanted a Raster, as planar_kde returns it."
        )
    values, unit = density.values, one_line(density.attrs.get("unit", ""))
    if "per m²" in unit:
        values, unit = values * 1e6, unit.replace("per m²", "per km²")
    flat = np.nan_to_num(values.ravel(), nan=0.0)
    counted = flat > flat.max() * 1e-3  # the kernel's thin hem says nothing
    code, legend = classes(flat, np.ones(len(flat)), counted, DENSITY_RAMP)
    first = len(DENSITY_RAMP) - len(legend)
    shade = np.where(code < 0, 0, code + 1 + first).reshape(values.shape).astype(np.uint8)
    return Shaded(raster=density, shade=shade, legend=legend, unit=unit)


def _on_web_map(shaded: Shaded) -> tuple[Shades, list[list[float]]]:
    """Take the shades on the pixels of a picture in web Mercator: rows from the north."""
    raster = shaded.raster
    (left, right), (low, high) = _frame(raster)
    rows, columns = raster.values.shape
    finer = min(1.5, _WIDEST / max(rows, columns))  # pixels to a cell's side
    tall, wide = (max(1, round(n * finer)) for n in (rows, columns))
    lon = left + (np.arange(wide) + 0.5) / wide * (right - left)
    lat = _latitude(high - (np.arange(tall) + 0.5) / tall * (high - low))
    x, y = lonlat_to(raster.crs, np.tile(lon, tall), np.repeat(lat, wide))
    south, north = _latitude(np.array([low, high])).round(6).tolist()
    return shaded.at(x, y).reshape(tall, wide), [[south, round(left, 6)], [north, round(right, 6)]]


def _frame(raster: Raster) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the least and greatest longitude and Mercator northing of the raster's edge."""
    west, south, east, north = raster.bounds
    along = np.linspace(0, 1, 50)
    across, up = west + along * (east - west), south + along * (north - south)
    x = np.concatenate([across, across, np.full(50, west), np.full(50, east)])
    y = np.concatenate([np.full(50, south), np.full(50, north), up, up])
    lon, lat = to_lonlat(raster.crs, x, y)
    low, high = _mercator(np.array([lat.min(), lat.max()])).tolist()
    return (float(lon.min()), float(lon.max())), (low, high)


def _mercator(latitude: Floats) -> Floats:
    return np.asarray(np.log(np.tan(np.pi / 4 + np.radians(latitude) / 2)))


def _latitude(mercator: Floats) -> Floats:
    return np.asarray(np.degrees(2 * np.arctan(np.exp(mercator)) - np.pi / 2))


def _png(shade: Shades, ramp: tuple[str, ...]) -> bytes:
    """Write shades as a PNG with a palette; 0 is clear, k the k-th colour of the ramp."""
    rows, columns = shade.shape
    palette = bytes(3) + b"".join(bytes.fromhex(colour[1:]) for colour in ramp)
    lines = np.concatenate([np.zeros((rows, 1), dtype=np.uint8), shade], axis=1).tobytes()
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
        (b"PLTE", palette),
        (b"tRNS", b"\x00"),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
