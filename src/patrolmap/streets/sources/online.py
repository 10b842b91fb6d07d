"""Streets from the web: the only module of the package that goes online, and only when called."""

import logging
import math
import re
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import shapely

from patrolmap import __version__
from patrolmap._crs import WGS84, metric_crs, utm_crs
from patrolmap.errors import OptionError, ServiceError, SourceFormatError
from patrolmap.streets.boundary import MARGIN, read_boundary, say_extent
from patrolmap.streets.cache import cache_key, load, save
from patrolmap.streets.lines.assemble import Options
from patrolmap.streets.network import StreetNetwork
from patrolmap.streets.rules import JUDGED_KEYS
from patrolmap.streets.sources.formats import SUFFIXES
from patrolmap.streets.sources.graph_rows import NAME_KEYS
from patrolmap.streets.sources.osm import OSM_CREDIT

_log = logging.getLogger(__name__)

OVERPASS = "https://overpass-api.de/api"
NOMINATIM = "https://nominatim.openstreetmap.org"
_REACH = 4.0  # s: a server that lives has answered a short question by then
_WIDER = 2 * MARGIN  # m
_LARGEST = 10_000.0  # km²; what is larger is a country's extract, not a question to a server
_AGENT = f"patrolmap/{__version__} (OSMnx)"
_INSTEAD = (
    "Without it: fetch an extract on a machine that is online (https://download.geofabrik.de or "
    "https://extract.bbbike.org) and pass the file to read_streets(...)."
)
_osmnx_lock = threading.Lock()  # osmnx has one set of settings for the whole process


def download_streets(
    where: str | tuple[float, float, float, float] | gpd.GeoSeries | gpd.GeoDataFrame | Any,
    *,
    sidewalks: str = "merge",
    max_segment_length: float = 200.0,
    crs: Any = None,
    cache_dir: str | Path | None = None,
    overpass_url: str = OVERPASS,
    nominatim_url: str = NOMINATIM,
    timeout: float = 180.0,
) -> StreetNetwork:
    """Download a street network for walking and driving from OpenStreetMap, through osmnx.

    The only call that goes online: it sends the place's name to a Nominatim server, its polygon
    (1.5 km wider all round) to an Overpass server, and nothing else. Segments in the polygon have
    ``inside=True``; those up to 500 m outside are kept as by the boundary of `read_streets`.

    Parameters
    ----------
    where
        Name of a place ("Alatau District, Almaty"), a box (west, south, east, north) in degrees, or
        a polygon: shapely in degrees, a GeoSeries or GeoDataFrame in any CRS.
    sidewalks, max_segment_length, crs
        As in `read_streets`.
    cache_dir
        Folder that keeps what was downloaded: the same question with the same options is answered
        from there, offline, until you clear it. Nothing is kept by default.
    overpass_url, nominatim_url
        Servers to ask, `http` or `https`; `/interpreter` and `/search` are put behind them.
    timeout
        Seconds a server may take over one answer. Whether it is there at all shows in 4 s.

    Raises
    ------
    ServiceError
        If a server is out of reach (in under 5 s), busy, or answers with no data.
    SourceFormatError
        If there is no street at the place.
    OptionError
        If there is no such place, it is larger than 10,000 km², or an option is out of range.
    CRSError
        If the polygon has no CRS or lies outside the world.

    Examples
    --------
    >>> import patrolmap as pm
    >>> box = (76.94, 43.23, 76.96, 43.25)
    >>> pm.download_streets(box, overpass_url="http://127.0.0.1:9")  # nobody listens there
    Traceback (most recent call last):
    ...
    patrolmap.errors.ServiceError: 127.0.0.1:9 is out of reach: ...
    """
    overpass, nominatim = _check_url(overpass_url), _check_url(nominatim_url, "nominatim_url")
    _check_timeout(timeout)
    Options(boundary=None, sidewalks=sidewalks, max_segment_length=max_segment_length)
    metric_crs(crs, lon=0.0, lat=0.0)  # a wrong one is told before anything is asked
    area = _check_where(where)
    options = {"sidewalks": sidewalks, "max_segment_length": max_segment_length, "crs": crs}
    question = {"where": where if area is None else area.iloc[0], "of": f"{overpass} {nominatim}"}
    folder, key = _check_folder(cache_dir), cache_key(None, options | question)
    if folder is not None and (kept := load(folder, key)) is not None:
        return kept
    _require_reach([overpass] if area is not None else [nominatim, overpass], min(_REACH, timeout))
    with _osmnx(overpass, nominatim, timeout) as ox:
        if area is None:
            area = _find_place(ox, str(where), _host(nominatim), timeout)
        graph = _fetch(ox, area, _host(overpass), timeout)
    graph.graph["attribution"] = OSM_CREDIT
    network = StreetNetwork.from_networkx(graph, boundary=area, **options)
    if folder is not None:
        save(folder, key, network)
    _log.info("downloaded %r", network)
    return network


def _check_url(url: Any, name: str = "overpass_url") -> str:
    """Return the address of a server without a slash at its end."""
    parts = urlsplit(url) if isinstance(url, str) else None
    plain = parts is not None and not (parts.query or parts.fragment)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise OptionError(f"{name}={url!r}; wanted the address of a server, like {OVERPASS!r}.")
    return str(url).rstrip("/")


def _host(url: str) -> str:
    """Return the part of an address that says which server; never a password in it."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _check_folder(folder: Any) -> Path | None:
    if folder is not None and not isinstance(folder, str | Path):
        raise OptionError(f"cache_dir is a {type(folder).__name__}; wanted the path of a folder.")
    return None if folder is None else Path(folder).expanduser()


def _check_timeout(value: Any) -> None:
    sound = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not sound or not 0 < value < math.inf:
        raise OptionError(f"timeout={value!r}; wanted seconds above 0.")


def _check_where(where: Any) -> gpd.GeoSeries | None:
    """Return the polygon asked for in degrees, None for a name."""
    if isinstance(where, str) and where.strip() and not _is_file(where):
        return None
    if isinstance(where, str | Path):
        raise OptionError(
            f"where={str(where)!r} is no place; wanted its name, a box or a polygon. Files are for "
            "read_streets(...)."
        )
    box = isinstance(where, tuple | list) and len(where) == 4
    if box:
        where = _box(*where)
    elif not isinstance(where, shapely.Geometry | gpd.GeoSeries | gpd.GeoDataFrame):
        raise OptionError(
            f"where is a {type(where).__name__}; wanted the name of a place, a box (west, south, "
            "east, north) in degrees, or a polygon: shapely, a GeoSeries or a GeoDataFrame."
        )
    return _check_size(read_boundary(where))


def _is_file(text: str) -> bool:
    endings = tuple(ending for form in SUFFIXES.values() for ending in form)
    return text.lower().endswith(endings) or Path(text).is_file()


def _box(west: Any, south: Any, east: Any, north: Any) -> shapely.Polygon:
    try:
        edges = np.array([west, south, east, north], dtype=np.float64)
    except (TypeError, ValueError):
        edges = np.full(4, np.nan)
    (w, s, e, n) = edges.tolist()
    if not (-180 <= w < e <= 180 and -90 <= s < n <= 90):
        raise OptionError(
            f"where={(west, south, east, north)!r}; wanted (west, south, east, north) in degrees, "
            "like (76.85, 43.20, 76.98, 43.30)."
        )
    return shapely.box(w, s, e, n)


def _check_size(area: gpd.GeoSeries) -> gpd.GeoSeries:
    size = abs(area.crs.get_geod().geometry_area_perimeter(area.iloc[0])[0]) / 1e6
    if size > _LARGEST:
        raise OptionError(
            f"{say_extent(area)} is {size:,.0f} km², too much to ask of a public server (at most "
            f"{_LARGEST:,.0f}). {_INSTEAD}"
        )
    return area


# Servers ---------------------------------------------------------------------------------------


def _require_reach(servers: Iterable[str], deadline: float) -> None:
    """Raise `ServiceError` unless every server answers within a deadline (s).

    Each is asked for its status in a thread, as neither looking up a name nor a proxy keeps to any
    deadline. What it says does not matter yet.
    """
    import requests

    # What a user told osmnx of proxies and certificates holds here too, without loading osmnx.
    # Hooks may be those of another thread's download, which want more of an answer than a status.
    told = getattr(sys.modules.get("osmnx.settings"), "requests_kwargs", {})
    known = {name: value for name, value in told.items() if name != "hooks"}
    answers: dict[str, Exception | None] = {}

    def ask(server: str) -> None:
        try:
            options = {"headers": {"User-Agent": _AGENT}, "stream": True, **known}
            with requests.get(f"{server}/status", timeout=deadline, **options):
                answers[server] = None
        except Exception as error:  # to be told by the caller's thread
            answers[server] = error

    until = time.monotonic() + deadline
    threads = {s: threading.Thread(target=ask, args=(s,), daemon=True) for s in servers}
    for thread in threads.values():
        thread.start()
    for server, thread in threads.items():
        thread.join(max(until - time.monotonic(), 0.0))
        error = answers.get(server, TimeoutError())
        if error is not None:
            why = _reason(error, deadline)
            raise ServiceError(f"{_host(server)} is out of reach: {why}. {_INSTEAD}") from error


def _reason(error: Exception, deadline: float) -> str:
    """Say in a few words why a request failed; requests wraps its reasons several layers deep."""
    import requests

    if isinstance(error, TimeoutError | requests.Timeout):
        return f"no answer within {deadline:g} s"
    found = re.search(r"\[(?:Errno|WinError) -?\d+\] ([^'\")]+)", str(error))
    return found[1] if found else f"{type(error).__name__}: {error}"


@contextmanager
def _osmnx(overpass: str, nominatim: str, timeout: float) -> Iterator[Any]:
    """Yield osmnx with settings for one download; leave it, and the process, as they were.

    osmnx keeps its settings in a module, and replaces `socket.getaddrinfo` when it asks Overpass.
    """
    import osmnx as ox

    settings = ox.settings
    with _osmnx_lock:
        saved = {name: value for name, value in vars(settings).items() if name[0] != "_"}
        lookup = socket.getaddrinfo
        theirs = settings.requests_kwargs.get("hooks", {})
        ours = {"response": [*_listed(theirs.get("response")), _check_answer]}
        changes = {
            "overpass_url": overpass,
            "nominatim_url": nominatim,
            "overpass_settings": f"[out:json][timeout:{math.ceil(timeout)}]{{maxsize}}",
            "requests_timeout": timeout,
            "requests_kwargs": {**settings.requests_kwargs, "hooks": {**theirs, **ours}},
            "overpass_rate_limit": False,
            "doh_url_template": None,
            "http_user_agent": _AGENT,
            "use_cache": False,
            "cache_only_mode": False,
            "default_crs": "epsg:4326",
            "all_oneway": True,  # one edge a step, tags as they are
            "useful_tags_node": ["highway"],
            "useful_tags_way": [*dict.fromkeys([*JUDGED_KEYS, *NAME_KEYS])],
        }
        try:
            for name, value in changes.items():
                setattr(settings, name, value)
            yield ox
        finally:
            for name, value in saved.items():
                setattr(settings, name, value)
            socket.getaddrinfo = lookup


def _listed(hooks: Any) -> list[Any]:
    return [hooks] if callable(hooks) else list(hooks or [])


def _check_answer(response: Any, **_: Any) -> None:
    """Raise `ServiceError` unless a server sent data; osmnx would ask a busy one again for ever."""
    if response.is_redirect:
        return
    host, status = _host(response.url), response.status_code
    if status in (429, 503, 504):
        raise ServiceError(
            f"{host} is too busy to answer ({status} {response.reason}); try again in a few "
            f"minutes, or ask for less at a time. {_INSTEAD}"
        )
    body = response.content
    if status != 200 or body.lstrip()[:1] not in (b"{", b"["):
        raise ServiceError(
            f"{host} answered {status} {response.reason} and no data: {_excerpt(body)!r}. Is it "
            f"the right address? {_INSTEAD}"
        )
    remark = re.search(rb'"remark"\s*:\s*"([^"]*)"', body[-2000:])
    if remark:  # part of the data, and the reason why the rest is missing
        raise ServiceError(
            f"{host} stopped halfway: {_excerpt(remark[1])!r}; ask for less at a time, or with a "
            f"larger timeout. {_INSTEAD}"
        )


def _excerpt(body: bytes) -> str:
    """Return the beginning of what a page says, without its markup."""
    text = re.sub(rb"<(style|script|head)\b.*?</\1\s*>|<[^>]*>", b" ", body[:20_000], flags=re.S)
    words = " ".join(text.decode("utf-8", errors="replace").split())
    return words[:200] + "…" * (len(words) > 200)


@contextmanager
def _broken_answers(host: str, timeout: float) -> Iterator[None]:
    """Turn answers that break off, or that osmnx can make nothing of, into `ServiceError`."""
    import requests

    try:
        yield
    except requests.RequestException as error:
        raise ServiceError(f"{host} broke off: {_reason(error, timeout)}. {_INSTEAD}") from error
    except (AttributeError, IndexError, LookupError) as error:
        raise ServiceError(
            f"{host} answered, but with other data than wanted ({error!r}). Is it the right "
            f"address? {_INSTEAD}"
        ) from error


def _find_place(ox: Any, name: str, host: str, timeout: float) -> gpd.GeoSeries:
    """Return the polygon of a place in degrees."""
    import requests

    with _broken_answers(host, timeout):
        try:
            found = ox.geocode_to_gdf(name.strip())
        except ValueError as error:
            if isinstance(error.__cause__, requests.RequestException):  # it is no whole JSON
                raise error.__cause__ from error
            raise OptionError(
                f"{host} knows no place {name!r}; try another spelling, or pass a box (west, "
                "south, east, north) or a polygon."
            ) from error
        except TypeError as error:
            raise OptionError(
                f"{host} knows {name!r} as a point or line, without a boundary; pass a box (west, "
                "south, east, north) or a polygon."
            ) from error
    return _check_size(read_boundary(found))


def _fetch(ox: Any, area: gpd.GeoSeries, host: str, timeout: float) -> Any:
    """Return the graph of all highway ways in a polygon and around it.

    osmnx cuts ways off at the edge of what it is asked for. Streets that reach into the margin
    shall run on to a junction there, so as to have the ids they have in any extract.
    """
    import requests

    middle = area.iloc[0].representative_point()
    wide = area.to_crs(utm_crs(middle.x, middle.y)).buffer(_WIDER).to_crs(WGS84).iloc[0]
    with _broken_answers(host, timeout):
        try:
            return ox.graph_from_polygon(
                wide,
                simplify=False,
                retain_all=True,
                truncate_by_edge=True,
                custom_filter='["highway"]',
            )
        except ValueError as error:
            if isinstance(error.__cause__, requests.RequestException):
                raise error.__cause__ from error
            raise SourceFormatError(
                f"{host} has no street network at {say_extent(area)} ({error}); is that the place "
                "meant? Longitude comes first."
            ) from error
