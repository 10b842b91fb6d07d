"""An ArcGIS map service on loopback: both dialects of the national maps, their limits and faults.

Conditions are understood by SQLite, TIMESTAMP '...' being read as the service's epoch milliseconds.
"""

import contextlib
import datetime as dt
import json
import random
import re
import sqlite3
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pyproj

OID, INT, DATE, TEXT, REAL = (
    f"esriFieldType{name}" for name in ("OID", "Integer", "Date", "String", "Double")
)
OLD = "/arcgis/rest/services/stat/MapServer/5"
NEW = "/arcgis/rest/services/KPSSU/crime/FeatureServer/1"
FIRST = dt.datetime(2024, 1, 1, 0, 30)
PAGE = b"<!DOCTYPE html><html><title>Sign in</title><body>Please sign in to the office proxy"


def crimes(rows, *, upper=False):
    """Rows of a crime map: one every 37 minutes of local wall clock from 2024-01-01 00:30."""
    table = []
    for number in range(rows):
        moment = FIRST + dt.timedelta(minutes=37 * number)
        epoch = int(moment.replace(tzinfo=dt.UTC).timestamp() * 1000)
        row = {
            "objectid": 7 * number + 3,
            "stat": ("ст.188 ч.3", "ст.191 ч.2", "ст.293 ч.1")[number % 3],
            "dat_sover": epoch,
            "ud": f"24751{number:010d}",
            "victim": "Иванов Иван",
            "city_code": "1975" if number % 2 else "1971",
            "discontinued": 0 if number % 5 else None,
            "lon": 76.80 + number % 100 / 500,
            "lat": 43.20 + number // 100 % 100 / 1000,
        }
        table.append(row)
    if upper:
        table = [
            {(k if k in ("lon", "lat") else k.upper()): v for k, v in r.items()} for r in table
        ]
    return table


KINDS = {"objectid": OID, "dat_sover": DATE, "rta_date": DATE, "discontinued": INT}


@dataclass
class FakeLayer:
    """A layer: its rows (`lon`, `lat` become the geometry) and how it misbehaves."""

    rows: list
    wkid: int = 4326
    limit: int = 5000
    paging: bool = True
    about: dict = field(default_factory=dict)  # laid over what the layer says of itself
    silent: int = 0  # sends this many rows at most and does not say that there are more
    shuffled: bool = False  # pages in another order every time
    same_page: bool = False  # takes no notice of resultOffset
    hidden: frozenset = frozenset()  # ids that are listed and never sent
    dying: list = field(default_factory=list)  # ids deleted once the list was given
    dropped: str = ""  # a field that is announced and not sent
    everything: bool = False  # takes no notice of outFields

    def __post_init__(self):
        names = [n for n in self.rows[0] if n not in ("lon", "lat")] if self.rows else ["objectid"]
        self.oid = next(n for n in names if n.lower() == "objectid")
        self.kinds = {n: KINDS.get(n.lower(), TEXT) for n in names}
        self.names = names
        self.base = sqlite3.connect(":memory:", check_same_thread=False)
        self.base.execute(f"create table t ({', '.join(names)}, lon, lat, x, y)")
        lon, lat = ([row[axis] for row in self.rows] for axis in ("lon", "lat"))
        x, y = projected(lon, lat, self.wkid)
        cells = [
            [*(row[n] for n in names), *place]
            for row, *place in zip(self.rows, lon, lat, x, y, strict=True)
        ]
        marks = ", ".join("?" * (len(names) + 4))
        self.base.executemany(f"insert into t values ({marks})", cells)
        self.lock = threading.Lock()

    def fields(self, names=None):
        return [{"name": n, "type": self.kinds[n], "alias": n} for n in names or self.names]

    def describe(self):
        return {
            "currentVersion": 10.81, "id": 1, "name": "Crime", "type": "Feature Layer",
            "geometryType": "esriGeometryPoint", "objectIdField": self.oid,
            "fields": self.fields(), "maxRecordCount": self.limit,
            "capabilities": "Map,Query,Data",
            "extent": {"spatialReference": {"wkid": self.wkid}},
            "advancedQueryCapabilities": {"supportsPagination": self.paging,
                                          "supportsOrderBy": self.paging},
            **self.about,
        }  # fmt: skip

    def query(self, asked):
        if not self.paging and "resultOffset" in asked:
            return refusal(400, "Pagination is not supported.")
        try:
            with self.lock:
                return self._query(asked)
        except sqlite3.Error as error:
            return refusal(400, "Unable to complete operation.", str(error))

    def _query(self, asked):
        where, found = condition(asked), self.base.execute
        order = f"order by {self.oid}" if "orderByFields" in asked else ""
        if asked.get("returnCountOnly") == "true":
            return {"count": found(f"select count(*) from t where {where}").fetchone()[0]}
        if asked.get("returnIdsOnly") == "true":
            ids = [row[0] for row in found(f"select {self.oid} from t where {where}")]
            gone, self.dying = self.dying, []
            self.base.executemany(f"delete from t where {self.oid} = ?", [(g,) for g in gone])
            random.Random(1).shuffle(ids)
            return {"objectIdFieldName": self.oid, "objectIds": ids or None}
        names = self.names if self.everything else asked["outFields"].split(",")
        place = "lon, lat" if asked.get("outSR") == "4326" else "x, y"
        rows = found(f"select {', '.join(names)}, {place} from t where {where} {order}").fetchall()
        if self.shuffled:
            random.shuffle(rows)
        rows = [row for row in rows if row[names.index(self.oid)] not in self.hidden]
        first = 0 if self.same_page else int(asked.get("resultOffset", 0))
        most = min(int(asked.get("resultRecordCount", self.limit)), self.silent or self.limit)
        page = rows[first : first + most]
        sent = [i for i, name in enumerate(names) if name != self.dropped]
        told = {
            "objectIdFieldName": self.oid, "geometryType": "esriGeometryPoint",
            "spatialReference": {"wkid": 4326 if asked.get("outSR") else self.wkid},
            "fields": self.fields([names[i] for i in sent]),
            "features": [feature([names[i] for i in sent], [row[i] for i in sent], row[-2:])
                         for row in page],
        }  # fmt: skip
        if len(rows) > first + len(page) and not self.silent:
            told["exceededTransferLimit"] = True
        return told


def projected(lon, lat, wkid):
    """Coordinates in the layer's own system; rows without any keep none."""
    if wkid == 4326:
        return lon, lat
    there = [at for at, value in enumerate(lon) if value is not None]
    to = pyproj.Transformer.from_crs(4326, wkid, always_xy=True)
    found = to.transform([lon[at] for at in there], [lat[at] for at in there])
    x, y = [None] * len(lon), [None] * len(lon)
    for at, east, north in zip(there, *found, strict=True):
        x[at], y[at] = east, north
    return x, y


def feature(names, cells, place):
    shape = {} if place[0] is None else {"geometry": {"x": place[0], "y": place[1]}}
    return {"attributes": dict(zip(names, cells, strict=True)), **shape}


def condition(asked):
    """Return the condition of a query as SQLite understands it."""

    def epoch(found):
        return str(int(dt.datetime.fromisoformat(found[1] + "+00:00").timestamp() * 1000))

    parts = [re.sub(r"TIMESTAMP '([^']*)'", epoch, asked["where"])]
    if "objectIds" in asked:
        parts.append(f"objectid in ({asked['objectIds']})")
    if "geometry" in asked:
        assert asked["geometryType"] == "esriGeometryEnvelope" and asked["inSR"] == "4326"
        box = json.loads(asked["geometry"])
        parts.append(f"lon between {box['xmin']} and {box['xmax']}")
        parts.append(f"lat between {box['ymin']} and {box['ymax']}")
    return " and ".join(f"({part})" for part in parts)


def refusal(code, message, *details):
    return {"error": {"code": code, "message": message, "details": list(details)}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer takes 40 ms

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.handle_one(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.handle_one(dict(parse_qsl(body)))

    def handle_one(self, asked):
        path, server = urlsplit(self.path).path, self.server
        server.asked.append((self.command, self.path, asked))
        fault = server.faults.popleft() if server.faults else None
        if fault is not None and getattr(self, f"fault_{fault}")() is not False:
            return
        layer = server.layers.get(path.removesuffix("/query"))
        if server.token and asked.get("token") != server.token:
            self.send(refusal(499, "Token Required"))
        elif layer is None:
            self.send({"error": "not here"}, 404)
        elif not isinstance(layer, FakeLayer):
            self.send(layer)
        else:
            answer = layer.query(asked) if path.endswith("/query") else layer.describe()
            self.send(answer, cut=fault == "truncated")

    def send(self, answer, status=200, *, cut=False, **headers):
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        body = body[: len(body) // 2] if cut else body
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    # Faults, by name; False lets the answer follow --------------------------------------------

    def fault_none(self):
        return False

    def fault_truncated(self):
        return False

    def fault_busy(self):
        self.send(PAGE, 503)

    def fault_later(self):
        self.send(b"slow down", 429, Retry_After="7")

    def fault_much_later(self):
        self.send(b"slow down", 429, Retry_After="86400")

    def fault_html(self):
        self.send(PAGE)

    def fault_denied(self):
        self.send(b"<h1>Forbidden</h1>", 403)

    def fault_failed(self):
        self.send(refusal(500, "Error performing query operation"))

    def fault_echo(self):
        self.send(refusal(400, f"bad token {self.server.token} in \x1b[31m request"))

    def fault_away(self):
        self.send(b"", 302, Location="http://localhost.example.test/login?next=1")

    def fault_aside(self):
        self.send(b"", 307, Location=self.path)

    def fault_deep(self):
        self.send(b'{"features":' + b"[" * 200_000)

    def fault_reset(self):
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")

    def fault_drip(self):
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")
        with contextlib.suppress(OSError):
            for _ in range(200):
                self.wfile.write(b" ")
                time.sleep(0.02)


class Server(ThreadingHTTPServer):
    """Layers by path; `faults` are spent one a request; `asked` is what came."""

    daemon_threads = True

    def __init__(self, layers, *, token=""):
        super().__init__(("127.0.0.1", 0), Handler)
        self.layers, self.token = layers, token
        self.faults, self.asked = deque(), []
        self.host = f"127.0.0.1:{self.server_address[1]}"

    def url(self, path=NEW):
        return f"http://{self.host}{path}"

    def handle_error(self, request, client_address):
        pass  # a client that hung up

    def queries(self):
        """What was asked of the rows themselves."""
        return [a for _, _, a in self.asked if "outFields" in a]


@contextlib.contextmanager
def serve(layers, *, token=""):
    if isinstance(layers, FakeLayer):
        layers = {NEW: layers}
    server = Server(layers, token=token)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
