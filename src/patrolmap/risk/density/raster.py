"""A density on square cells: values, where they lie, and what they are."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from patrolmap._crs import point_coordinates, require_metres
from patrolmap.errors import CRSError, OptionError, SchemaError

Floats = npt.NDArray[np.float64]

_DIGITS = 12  # values that agree to so many are one level: sums round differently cell by cell


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Raster:
    """Density on square cells, the northernmost row first.

    Attributes
    ----------
    values : (rows, columns) float64, read-only
        At the centres of the cells; NaN where it is not known (outside a study area).
    transform : tuple of 6 floats
        Affine (a, b, c, d, e, f) from (column, row) to metres, the corner of the first cell at
        (c, f): x = a column + c, y = e row + f, with e = -a < 0 (rasterio's `Affine(*transform)`).
    crs : pyproj.CRS
        In metres.
    attrs : Mapping
        What the values are: unit, kernel, bandwidth (m) and so on, see `planar_kde`.

    Raises
    ------
    OptionError
        If the values are no table of numbers, or the cells not square and north up.
    CRSError
        If the CRS is missing or not in metres.

    Examples
    --------
    >>> import numpy as np
    >>> raster = Raster(values=np.eye(2), transform=(10, 0, 500_000, 0, -10, 4_800_020), crs=32643)
    >>> raster.total, raster.bounds
    (200.0, (500000.0, 4800000.0, 500020.0, 4800020.0))
    """

    values: Floats
    transform: tuple[float, float, float, float, float, float]
    crs: CRS
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64).view()
        if values.ndim != 2 or values.size == 0:
            raise OptionError(f"values have shape {values.shape}; wanted rows and columns.")
        values.flags.writeable = False
        transform = tuple(float(number) for number in self.transform)
        if len(transform) != 6 or not _square_north_up(transform):
            raise OptionError(
                f"transform={self.transform!r}; wanted (cell, 0, west, 0, -cell, north) in metres."
            )
        crs = CRS.from_user_input(self.crs) if self.crs is not None else None
        require_metres(crs, what="the raster")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "transform", transform)
        object.__setattr__(self, "crs", crs)
        object.__setattr__(self, "attrs", dict(self.attrs))

    def __repr__(self) -> str:
        rows, columns = self.values.shape
        unit = self.attrs.get("unit", "no unit stated")
        return f"<Raster {rows} x {columns} cells of {self.cell_size:g} m, {unit}>"

    @property
    def cell_size(self) -> float:
        """Side of a cell, in metres."""
        return self.transform[0]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north, in metres."""
        rows, columns = self.values.shape
        cell, west, north = self.cell_size, self.transform[2], self.transform[5]
        return (west, north - rows * cell, west + columns * cell, north)

    @property
    def total(self) -> float:
        """What the values add up to over the cells' ground: the weight of the events in it."""
        return float(np.nansum(self.values)) * self.cell_size**2

    def sample(self, points: gpd.GeoDataFrame | gpd.GeoSeries) -> pd.Series:
        """Return the value of the cell that each point lies in.

        Parameters
        ----------
        points
            In any CRS.

        Returns
        -------
        Series
            Named "density", on the index of the points; NaN outside the raster, where the raster
            has none, and for empty geometries.

        Raises
        ------
        SchemaError
            If it is no table of points.
        CRSError
            If the points have no CRS.

        Examples
        --------
        >>> import geopandas as gpd, numpy as np
        >>> from shapely import Point
        >>> raster = Raster(values=[[1, 2], [3, 4]], transform=(10, 0, 0, 0, -10, 20), crs=32643)
        >>> points = gpd.GeoSeries([Point(15, 15), Point(5, 5), Point(25, 5)], crs=32643)
        >>> raster.sample(points).tolist()
        [2.0, 3.0, nan]
        """
        if not isinstance(points, (gpd.GeoDataFrame, gpd.GeoSeries)):
            raise SchemaError(
                f"points are a {type(points).__name__}; wanted a GeoDataFrame or GeoSeries."
            )
        if points.crs is None:
            raise CRSError("the points have no CRS; state it with set_crs(...).")
        kinds = shapely.get_type_id(np.asarray(points.geometry.array))
        if not np.isin(kinds, [-1, 0]).all():
            raise SchemaError("some geometries are not points; take .centroid first.")
        x, y = point_coordinates(points.geometry.to_crs(self.crs))
        rows, columns = self.values.shape
        with np.errstate(invalid="ignore"):
            column = np.floor((x - self.transform[2]) / self.cell_size)
            row = np.floor((self.transform[5] - y) / self.cell_size)
            inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        found = np.full(len(points), np.nan)
        found[inside] = self.values[row[inside].astype(np.int64), column[inside].astype(np.int64)]
        return pd.Series(found, index=points.index, name="density")

    def contours(self, shares: float | Iterable[float] = (0.5, 0.8, 0.95)) -> gpd.GeoDataFrame:
        """Draw the smallest areas that hold given shares of all (highest density regions).

        The cells are taken from the highest down until they hold the share; the border runs
        halfway (in value) between the last cell taken and the next lower value, interpolated
        between the centres of cells. Cells that tie are taken together.

        Parameters
        ----------
        shares
            Each above 0, up to 1.

        Returns
        -------
        GeoDataFrame
            `patrolmap.schema.CONTOURS`, a row a share, ascending: share, held (the share that the
            cells with their centres inside really hold), density (at the border), area (m²),
            geometry (multi-polygon, valid, with holes). Each area lies inside the next.

        Raises
        ------
        OptionError
            If a share is out of its range.
        SchemaError
            If the raster holds nothing, or a value below 0.

        References
        ----------
        Hyndman (1996), *Computing and graphing highest density regions*, doi
        10.1080/00031305.1996.10473359.

        Examples
        --------
        >>> import numpy as np
        >>> values = [[0, 0, 0, 0], [0, 6, 2, 0], [0, 0, 0, 0]]
        >>> raster = Raster(values=values, transform=(10, 0, 0, 0, -10, 30), crs=32643)
        >>> raster.contours([0.7, 1])[["share", "held", "density"]].round(2).values.tolist()
        [[0.7, 0.75, 4.0], [1.0, 1.0, 1.0]]
        """
        wanted = _shares(shares)
        values = np.nan_to_num(self.values)
        if not values.max() > 0:
            raise SchemaError("the raster holds nothing, so no share of it lies anywhere.")
        if values.min() < 0:
            raise SchemaError(f"the raster has values below 0 ({values.min():g}), so no shares.")
        even = np.round(values / values.max(), _DIGITS)
        levels, held = _levels(even, values, wanted)
        shapes = [self._above(even, level) for level in levels]
        return gpd.GeoDataFrame(
            {
                "share": wanted,
                "held": held,
                "density": np.array(levels) * values.max(),
                "area": shapely.area(shapes),
            },
            geometry=np.array(shapes, dtype=object),
            index=pd.RangeIndex(1, len(wanted) + 1, name="contour_id"),
            crs=self.crs,
        )

    def _above(self, values: Floats, level: float) -> shapely.MultiPolygon:
        """Enclose the centres of all cells above a level that none of them has."""
        from contourpy import FillType, contour_generator

        rows, columns = values.shape
        x = self.transform[2] + (np.arange(-1, columns + 1) + 0.5) * self.cell_size
        y = self.transform[5] - (np.arange(-1, rows + 1) + 0.5) * self.cell_size
        drawer = contour_generator(x, y, np.pad(values, 1), fill_type=FillType.OuterOffset)
        polygons = []
        for points, offsets in zip(*drawer.filled(level, np.inf), strict=True):
            outer, *holes = (points[a:b] for a, b in pairwise(offsets))
            polygons.append(shapely.Polygon(outer, holes))
        return shapely.MultiPolygon(polygons)

    def to_geotiff(self, path: str | os.PathLike[str]) -> None:
        """Write a GeoTIFF: one band of float64, compressed, NaN as no data, attrs as tags.

        Needs rasterio: `pip install 'patrolmap[raster]'`. A file of that name is overwritten.

        Raises
        ------
        OptionError
            If rasterio is not installed.
        """
        try:
            import rasterio
        except ImportError as error:
            raise OptionError(
                "writing a GeoTIFF needs rasterio: pip install 'patrolmap[raster]'."
            ) from error
        rows, columns = self.values.shape
        with rasterio.open(
            path, "w", driver="GTiff", height=rows, width=columns, count=1, dtype="float64",
            crs=self.crs.to_wkt(), transform=rasterio.Affine(*self.transform), nodata=np.nan,
            compress="deflate", predictor=3, tiled=True,
        ) as file:  # fmt: skip
            file.write(self.values, 1)
            file.set_band_unit(1, str(self.attrs.get("unit", "")))
            plain = {k: str(v) for k, v in self.attrs.items() if isinstance(v, (str, int, float))}
            file.update_tags(**plain, notes="; ".join(self.attrs.get("notes", ())))


def _square_north_up(transform: tuple[float, ...]) -> bool:
    a, b, _, d, e, _ = transform
    return bool(np.isfinite(transform).all()) and a > 0 and b == d == 0 and e == -a


def _shares(shares: float | Iterable[float]) -> Floats:
    try:
        found = np.unique(
            np.asarray(list(shares) if np.iterable(shares) else [shares], dtype=float)
        )
    except (TypeError, ValueError) as error:
        raise OptionError(f"shares={shares!r}; wanted numbers above 0, up to 1.") from error
    if len(found) == 0 or not ((found > 0) & (found <= 1)).all():
        raise OptionError(f"shares={shares!r}; wanted numbers above 0, up to 1.")
    return found


def _levels(even: Floats, values: Floats, shares: Floats) -> tuple[list[float], list[float]]:
    """Find a level below the cells that hold each share and above all others; and what they hold.

    `even` are the values of which the highest is 1, those that hardly differ made equal.
    """
    order = np.argsort(even, axis=None)[::-1]
    ranked, mass = even.ravel()[order], np.cumsum(values.ravel()[order])
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of each run of equals
    last = last[ranked[last] > 0]
    levels, held = [], []
    for share in shares:
        k = last[
            min(np.searchsorted(mass[last], share * mass[last[-1]] * (1 - 1e-12)), len(last) - 1)
        ]
        below = ranked[k + 1] if k + 1 < len(ranked) else 0.0
        levels.append(float(ranked[k] + below) / 2)
        held.append(float(mass[k] / mass[-1]))
    return levels, held
