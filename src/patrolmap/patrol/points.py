"""Team orienteering on points with a matrix of durations: for other tools and for benchmarks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap.errors import InfeasibleError, OptionError
from patrolmap.patrol.stop import MaxRuntime, Progress, Stop, require_stop

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FINE = 1e8  # the longest limit, in the whole units the search counts in, is at most this
MOST_PRIZE = 1e100
WHOLE = 2.0**40  # prizes that add up to more, or are no whole numbers, are scaled to this sum


@dataclass(frozen=True, kw_only=True)
class PointRoutes:
    """Routes over points, one per crew, and what they collect.

    Attributes
    ----------
    routes : tuple of (n_points,) int64
        The points each crew visits, first its start, last its end.
    prize : float
        Of all points on the routes, each once.
    upper_bound : float
        Proved: no routes within the limits collect more.
    iterations : int
        Of the search; 0 where so few points are within reach that every set of them was tried.
    """

    routes: tuple[Ints, ...]
    prize: float
    upper_bound: float
    iterations: int

    @property
    def gap(self) -> float:
        """(bound - prize) / bound."""
        bound = self.upper_bound
        return max(0.0, (bound - self.prize) / bound) if bound > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class PointCase:
    """Checked arrays, as given; `way[i, j]` = service at i and the way to j, as floats."""

    way: Floats
    prize: Floats
    start: Ints
    end: Ints
    limit: Floats  # when a crew must be at its end: the limit less the service there
    opens: Floats
    closes: Floats
    timed: bool


def solve_orienteering(
    durations: npt.ArrayLike,
    prizes: npt.ArrayLike,
    *,
    starts: npt.ArrayLike,
    ends: npt.ArrayLike,
    limits: npt.ArrayLike,
    service_times: npt.ArrayLike | None = None,
    time_windows: npt.ArrayLike | None = None,
    stop: Stop | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> PointRoutes:
    """Lay routes over points that collect as much prize as their limits allow.

    The team orienteering problem (Chao, Golden & Wasil 1996, doi 10.1016/0377-2217(94)00289-4): a
    crew goes from its start over some points to its end within its limit; every point visited
    collects its prize once, whoever visits it. Starts and ends are points like others: they have
    a prize, a service time and a window, spent and kept by each crew that starts or ends there.
    With at most twelve points within reach (and sixteen crews) the routes are the best there are,
    and `upper_bound` says so; with more they are searched for.

    Parameters
    ----------
    durations : (n, n) numbers >= 0
        `durations[i, j]` from point i to j, e.g. s; need not be symmetric; inf = no way, and the
        diagonal is not read. A crew goes straight from a point to the next that it visits: give
        shortest durations.
    prizes : (n,) numbers >= 0
    starts, ends : (c,) integers
        The points where each crew's route starts and ends; may be the same.
    limits : (c,) numbers > 0
        The longest that each route may take, services and waiting included.
    service_times : (n,) numbers >= 0, optional
        Spent at each point on a route; default 0.
    time_windows : (n, 2) numbers, optional
        When service at each point may begin, from the crews' setting out: not before the first
        (they wait), not after the second (inf = any time).
    stop
        When to stop: `MaxRuntime(30)` (default), `MaxIterations(n)`, or both with `|`. Compiling
        the kernels on a machine's first run is not counted.
    seed
        The same seed and iteration limit give the same routes.
    progress
        Called between rounds with the share done (0 to 1), the best prize so far and the bound.

    Raises
    ------
    OptionError, InfeasibleError
        Naming what was given, what was wanted and the mend.

    Examples
    --------
    Points on a line at 0, 1, 2 and 3, visited from the first and back:

    >>> import numpy as np
    >>> from patrolmap.patrol import MaxIterations
    >>> place = np.arange(4.0)
    >>> found = solve_orienteering(
    ...     abs(place[:, None] - place), [0, 1, 2, 4], starts=[0], ends=[0], limits=[4.0],
    ...     stop=MaxIterations(50),
    ... )
    >>> found.prize, found.upper_bound, sorted(set(found.routes[0].tolist()))
    (3.0, 3.0, [0, 1, 2])
    """
    from patrolmap._kernels.compiling import compile_clock
    from patrolmap.patrol.points_bound import point_upper_bound, reached_points
    from patrolmap.patrol.points_exact import exact_point_routes
    from patrolmap.patrol.points_search import search_points

    stop = stop or MaxRuntime(30)
    require_stop(stop)
    with compile_clock() as compiling:
        began = time.monotonic()
        case = _check(durations, prizes, starts, ends, limits, service_times, time_windows, seed)
        reached = reached_points(case)
        routes = exact_point_routes(case, reached)
        if routes is not None:
            prize = _collected(case, routes)
            if progress is not None:
                progress(1.0, prize, prize)
            return PointRoutes(routes=tuple(routes), prize=prize, upper_bound=prize, iterations=0)
        bound = point_upper_bound(case, reached)

        def elapsed() -> float:
            return time.monotonic() - began - compiling()

        routes, iterations = search_points(
            case, stop=stop, seed=seed, elapsed=elapsed, progress=progress, bound=bound
        )
    prize = _collected(case, routes)
    return PointRoutes(
        routes=tuple(routes),
        prize=prize,
        upper_bound=max(bound, prize),  # they differ by rounding where all is proved
        iterations=iterations,
    )


def _collected(case: PointCase, routes: Sequence[Ints]) -> float:
    """Return the prize of all points on the routes, each once."""
    return float(case.prize[np.unique(np.concatenate(routes))].sum())


def _check(
    durations: npt.ArrayLike,
    prizes: npt.ArrayLike,
    starts: npt.ArrayLike,
    ends: npt.ArrayLike,
    limits: npt.ArrayLike,
    service_times: npt.ArrayLike | None,
    time_windows: npt.ArrayLike | None,
    seed: int,
) -> PointCase:
    """Refuse what cannot be meant."""
    if not (isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0):
        raise OptionError(f"seed={seed!r}; wanted a whole number >= 0.")
    prize = _numbers("prizes", prizes)
    n = len(prize)
    way = _numbers("durations", durations, (n, n), infinite=True)
    start = _points("starts", starts, n)
    end = _points("ends", ends, n, len(start))
    limit = _numbers("limits", limits, (len(start),), above=0.0)
    if len(start) == 0:
        raise OptionError("starts is empty; wanted the start of at least one crew.")
    with np.errstate(over="ignore"):
        total = prize.sum()
    if not total <= MOST_PRIZE:
        raise OptionError(f"prizes add up to {total:.3g}; wanted at most {MOST_PRIZE:g}.")
    service = np.zeros(n)
    if service_times is not None:
        service = _numbers("service_times", service_times, (n,))
    window = np.tile([0.0, np.inf], (n, 1))
    if time_windows is not None:
        window = _numbers("time_windows", time_windows, (n, 2), least=-np.inf, infinite=True)
        wrong = np.flatnonzero(window[:, 0] > window[:, 1])
        if len(wrong):
            raise OptionError(
                f"time_windows[{wrong[0]}] is {window[wrong[0]].tolist()}; wanted a window that "
                "closes after it opens."
            )
    way = way.copy()
    np.fill_diagonal(way, 0.0)  # who starts where they end may stay
    case = PointCase(
        way=service[:, None] + way,
        prize=prize,
        start=start,
        end=end,
        limit=limit - service[end],
        opens=np.maximum(window[:, 0], 0.0),
        closes=window[:, 1],
        timed=bool((window[:, 0] > 0).any() or (window[:, 1] < np.inf).any()),
    )
    _require_ways(case, limit)
    return case


def _require_ways(case: PointCase, limit: Floats) -> None:
    """Refuse a crew that cannot go straight from its start to its end in time."""
    begin = case.opens[case.start]
    arrive = np.maximum(case.opens[case.end], begin + case.way[case.start, case.end])
    latest = np.minimum(case.closes[case.end], case.limit)
    bad = np.flatnonzero(
        (begin > case.closes[case.start]) | (arrive > latest * (1 + 1e-12)) | (latest < 0)
    )
    if len(bad):
        c = bad[0]
        raise InfeasibleError(
            f"crew {c} cannot be at its end, point {case.end[c]}, in time from its start, point "
            f"{case.start[c]}: it takes {arrive[c]:g}, and service there must begin by "
            f"{latest[c]:g} (its limit is {limit[c]:g}); give it a longer limit, another end, or "
            "wider windows."
        )


def _points(name: str, given: npt.ArrayLike, n: int, count: int | None = None) -> Ints:
    values = np.asarray(given)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise OptionError(f"{name} is {values.dtype} {values.shape}; wanted a row of points.")
    if count is not None and len(values) != count:
        raise OptionError(f"{name} has {len(values)} entries; wanted {count}, one a crew.")
    wrong = np.flatnonzero((values < 0) | (values >= n))
    if len(wrong):
        raise OptionError(
            f"{name}[{wrong[0]}] is {values[wrong[0]]}; wanted a point from 0 to {n - 1}."
        )
    return values.astype(np.int64)


def _numbers(
    name: str,
    given: npt.ArrayLike,
    shape: Sequence[int] | None = None,
    *,
    least: float = 0.0,
    above: float = -np.inf,
    infinite: bool = False,
) -> Floats:
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name} is not made of numbers ({error}).") from error
    if (shape is None and values.ndim != 1) or (shape is not None and values.shape != tuple(shape)):
        wanted = "a row" if shape is None else f"{tuple(shape)}"
        raise OptionError(f"{name} has the shape {values.shape}; wanted {wanted}.")
    fine = ~np.isnan(values) if infinite else np.isfinite(values)
    wrong = np.argwhere(~(fine & (values >= least) & (values > above)))
    if len(wrong):
        at = tuple(wrong[0].tolist())
        kind = "numbers" if infinite else "finite numbers"
        than = " > 0" if above == 0 else "" if least == -np.inf else f" >= {least:g}"
        raise OptionError(
            f"{name}[{', '.join(map(str, at))}] is {values[at]}; wanted {kind}{than}."
        )
    return values
