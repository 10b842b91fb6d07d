"""From the drawing board to the ground: a gentle warp, and degrees near Almaty and back."""

from itertools import pairwise
from math import cos, radians, sin

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LON, LAT = 76.86, 43.23  # centre of the district
TILT = radians(-5.0)  # streets run toward the mountains, not due south

# Metres in a degree at LAT, from the WGS 84 series: plain arithmetic gives the same coordinates
# under every version of PROJ, and over two kilometres it is right to within a metre.
_PHI = radians(LAT)
DEGREE_LAT = 111_132.954 - 559.822 * cos(2 * _PHI) + 1.175 * cos(4 * _PHI)
DEGREE_LON = 111_412.84 * cos(_PHI) - 93.5 * cos(3 * _PHI)


def to_ground(board: Floats) -> Floats:
    """Warp the drawing board (m) into ground metres east and north of the centre."""
    u, v = board[..., 0], board[..., 1]
    u = u + 16 * np.sin(v / 410 + 0.6) + 9 * np.sin(u / 330 + v / 700)
    v = v + 14 * np.sin(board[..., 0] / 370 + 2.0) + 8 * np.sin(v / 300 - board[..., 0] / 800)
    return np.stack([u * cos(TILT) - v * sin(TILT), u * sin(TILT) + v * cos(TILT)], axis=-1)


def to_degrees(ground: Floats, *, digits: int = 7) -> Floats:
    """Turn ground metres into longitude and latitude, rounded as files hold them."""
    lon = LON + ground[..., 0] / DEGREE_LON
    lat = LAT + ground[..., 1] / DEGREE_LAT
    degrees: Floats = np.stack([lon, lat], axis=-1)
    return degrees.round(digits)


def smooth(corners: object, *, rounds: int = 3) -> Floats:
    """Round the corners of a line by Chaikin's cutting; its ends stay."""
    points = np.asarray(corners, dtype=np.float64)
    for _ in range(rounds):
        near, far = 0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]
        middle = np.stack([near, far], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], middle, points[-1:]])
    return points


def densify(points: Floats, step: float = 60.0) -> Floats:
    """Put a corner at least every `step` metres, so that the warp can bend the line."""
    rows = [points[:1]]
    for a, b in pairwise(points):
        parts = max(1, round(float(np.hypot(*(b - a))) / step))
        rows.append(a + (b - a) * (np.arange(1, parts + 1) / parts)[:, None])
    return np.concatenate(rows)
