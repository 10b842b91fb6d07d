"""Streets as a source draws them: what all sources end in, and all that follows starts from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TEXTS = ["name", "name_kk", "name_ru", "name_en", "highway", "lit"]
BUILT = ["bridge", "tunnel"]
SAME = [*TEXTS, *BUILT]  # pieces that agree in these are one street
MOSTLY = ["surface", "sidewalk", "area"]  # told of a street by most of its length
FLAGS = ["walk", "drive_forward", "drive_backward"]
TAGS = [*SAME, *MOSTLY, *FLAGS, "role", "layer"]


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Streets as a source draws them: lines over shared nodes, in metres.

    Attributes
    ----------
    way : (n_lines,) int64
        Id of the way a line comes from; orders parallels and chooses among duplicates.
    start : (n_lines + 1,) int64
        Vertices of line i are `vertex[start[i]:start[i + 1]]`.
    vertex : (n_vertices,) int64
        Row of each vertex in `node_id`, `x` and `y`.
    node_id : (n_nodes,) int64
        Ascending, so that the order of rows is the order of ids.
    x, y : (n_nodes,) float64
        Metres.
    crossing : (n_nodes,) bool
        Whether a pedestrian crossing is marked there.
    tags : DataFrame
        One row a line, columns `TAGS`: `SAME`, `MOSTLY` and `FLAGS` as in the segments; `role`
        (`sidewalk`, `crossing` or empty) and `layer` (int) tell which lines run along a street.
    """

    way: Ints
    start: Ints
    vertex: Ints
    node_id: Ints
    x: Floats
    y: Floats
    crossing: Bools
    tags: pd.DataFrame
