"""Questions to one map service: bounded in tries, time and size; every failure has a name."""

import json
import logging
import math
import os
import queue
import random
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from patrolmap import __version__
from patrolmap.errors import OptionError, ServiceError
from patrolmap.events._text import short

log = logging.getLogger(__name__)

TOKEN = "PATROLMAP_ARCGIS_TOKEN"  # noqa: S105  names of variables, not secrets
TOKEN_HOST = "PATROLMAP_ARCGIS_TOKEN_HOST"  # noqa: S105
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
DENIED = frozenset({401, 403, 498, 499})
PORTS = {"http": 80, "https": 443}
LONGEST_ADDRESS = 1500  # characters; many servers and proxies stop at 2,048
REDIRECTS = 3
CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a reading bears with a service.

    Attributes
    ----------
    connect, read : float
        Seconds until a connection stands, and between two pieces of an answer.
    answer, total : float
        Seconds for one whole answer, and for all of a reading.
    tries, failures : int
        Tries of one question, and failed tries in all of a reading.
    wait, longest : float
        Seconds before the second try, doubled for each further one, and the longest such wait;
        a service that asks for a longer one is given up.
    largest : int
        Bytes of an answer, unpacked.
    """

    connect: float = 5.0
    read: float = 60.0
    answer: float = 300.0
    total: float = 3600.0
    tries: int = 5
    failures: int = 50
    wait: float = 0.5
    longest: float = 60.0
    largest: int = 500_000_000


class _TryAgainError(Exception):
    """What went wrong may go right the next time; `after` is the wait that the server wants."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


def check_url(given: str) -> str:
    """Return the address of a layer without a slash or question at its end.

    Raises
    ------
    OptionError
        If it is no http or https address, or carries a password, a token or a question. What
        follows the host is not repeated, as it may be secret.

    Examples
    --------
    >>> check_url("https://host/arcgis/rest/services/stat/MapServer/5/?f=json")
    'https://host/arcgis/rest/services/stat/MapServer/5'
    """
    wanted = "wanted the address of a layer, like https://host/arcgis/rest/services/.../MapServer/5"
    text = given.strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise OptionError(f"the source is no sound web address; {wanted}.") from error
    if parts.scheme.lower() not in PORTS or not host or re.search(r"[\s\x00-\x1f]", text):
        raise OptionError(f"the source is no http or https address; {wanted}.")
    if "@" in parts.netloc:
        raise OptionError(
            f"the address of {host} carries a name or password; leave them out, and put a token "
            f"into the environment variable {TOKEN}."
        )
    if parts.fragment or (parts.query and not re.fullmatch(r"f=p?(json|html)", parts.query)):
        raise OptionError(
            f"the address of {host} carries a question after its layer; {wanted}, and say the "
            f"filter with where=. A token goes into the environment variable {TOKEN}."
        )
    path = re.sub(r"/query$", "", parts.path.rstrip("/"))
    return f"{parts.scheme.lower()}://{parts.netloc}{path}"


class Client:
    """Asks one service; keeps a connection, and count of what failed."""

    def __init__(self, url: str, patience: Patience | None = None) -> None:
        self.url = url
        self.host = urlsplit(url).netloc
        self.patience = patience or Patience()
        self.requests = 0
        self._until = time.monotonic() + self.patience.total
        self._failures = 0
        self._token, self.note = _own_token(url)
        self._session = _session()

    def ask(self, path: str, params: Mapping[str, Any], what: str) -> Mapping[str, Any]:
        """Return the JSON object that answers a question; `what` says in messages what it was.

        Raises
        ------
        ServiceError
            If the service is out of reach, busy, refuses, or answers with something else, after
            all tries that `Patience` allows.
        """
        for attempt in range(1, self.patience.tries + 1):
            try:
                self.requests += 1
                return self._answer(path, params, what)
            except _TryAgainError as error:
                self._failures += 1
                log.info("%s: %s (try %d): %s", self.host, what, attempt, error)
                left = self.patience.tries - attempt, self.patience.failures - self._failures
                if min(left) <= 0:
                    raise ServiceError(
                        f"{self.host} failed on {what}, {self._failures} tries in all: {error}. "
                        "Try again later, or ask for less at a time: start=, end=, boundary=."
                    ) from None
                self._pause(attempt, error, what)
        raise ServiceError(f"{self.host} was not asked for {what}: tries={self.patience.tries}.")

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    def _pause(self, attempt: int, error: _TryAgainError, what: str) -> None:
        """Wait before the next try: longer each time, by chance apart from other clients."""
        wait = self.patience.wait * 2 ** (attempt - 1) * (0.5 + random.random())  # noqa: S311
        wait = min(wait, self.patience.longest)
        if error.after is not None:
            wait = max(error.after, wait)
            if error.after > self.patience.longest:
                raise ServiceError(
                    f"{self.host} is busy and asks to wait {error.after:,.0f} s before {what}; "
                    "try again then."
                ) from None
        if time.monotonic() + wait > self._until:
            raise ServiceError(
                f"{self.host} did not get done within {self.patience.total:,.0f} s; it stood at "
                f"{what}: {error}. Ask for less at a time: start=, end=, boundary=."
            ) from None
        _sleep(wait)

    def _answer(self, path: str, params: Mapping[str, Any], what: str) -> Mapping[str, Any]:
        status, reason, headers, body = self._fetch(path, params)
        said = f"{status} {short(reason)}"
        if status in BUSY:
            raise _TryAgainError(
                f"answered {said}{self._excerpt(body)}", _retry_after(headers.get("Retry-After"))
            )
        if status in DENIED:
            raise ServiceError(self._denied(said, what, body))
        if status == 407:
            raise ServiceError(
                f"the proxy before {self.host} wants a name and password ({said}); state them in "
                "the environment variable HTTPS_PROXY."
            )
        if status != 200:
            raise ServiceError(
                f"{self.host} answered {said} to {what}{self._excerpt(body)}. Is it the right "
                "address?"
            )
        return self._check_error(self._parse(body, what), what)

    def _parse(self, body: bytes, what: str) -> Mapping[str, Any]:
        start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
        if start.startswith(b"<"):
            raise ServiceError(
                f"{self.host} answered {what} with a web page, not data{self._excerpt(body)}: a "
                "login page or a proxy stands before the service. Open the address in a browser "
                "to see what it wants."
            )
        try:
            found = json.loads(body)
        except RecursionError as error:
            raise ServiceError(
                f"{self.host} answered {what} with JSON too deep to be data."
            ) from error
        except ValueError:  # cut short, perhaps in the middle of a letter
            raise _TryAgainError(
                f"the answer is cut short or no JSON ({len(body):,} bytes)"
            ) from None
        if not isinstance(found, dict):
            raise ServiceError(f"{self.host} answered {what} with a JSON {type(found).__name__}.")
        return found

    def _check_error(self, found: Mapping[str, Any], what: str) -> Mapping[str, Any]:
        """Look for an error in what came with the status 200."""
        error = found.get("error")
        if error is None:
            return found
        parts = error if isinstance(error, Mapping) else {"message": error}
        details = parts.get("details")
        texts = [parts.get("message"), *(details if isinstance(details, list) else [details])]
        words = " ".join(dict.fromkeys(str(text) for text in texts if text))
        code = parts.get("code") if isinstance(parts.get("code"), int) else None
        said = f"error {code or 'without a number'}: {short(self._clean(words), most=200)}"
        if code in DENIED:
            raise ServiceError(self._denied(said, what, b""))
        if code in BUSY:
            raise _TryAgainError(said)
        raise ServiceError(f"{self.host} refused {what} with {said}. Check where= and the address.")

    def _denied(self, said: str, what: str, body: bytes) -> str:
        hint = "the token was sent" if self._token else f"no token was sent (set {TOKEN})"
        return f"{self.host} denies {what}: {said}{self._excerpt(body)}; {self.note or hint}."

    def _fetch(self, path: str, params: Mapping[str, Any]) -> tuple[int, str, Any, bytes]:
        """Exchange question and answer in a thread: no drip of bytes can outlast the deadline."""
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        stop = threading.Event()
        limit = min(self.patience.answer, self._until - time.monotonic())

        def work() -> None:
            try:
                done.put(self._exchange(self.url + path, params, stop))
            except Exception as error:  # told by the caller's thread
                done.put(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            found = done.get(timeout=max(limit, 0.001))
        except queue.Empty:
            self._session = _session()  # the old one may be held by the answer that drips
            raise _TryAgainError(f"no whole answer within {limit:,.0f} s") from None
        finally:
            stop.set()
        if isinstance(found, ServiceError | _TryAgainError):
            raise found
        if isinstance(found, Exception):
            raise self._named(found) from None
        return found  # type: ignore[no-any-return]

    def _exchange(
        self, url: str, params: Mapping[str, Any], stop: threading.Event
    ) -> tuple[int, str, Any, bytes]:
        """Send a question, follow redirects on the same host, read the answer piece by piece."""
        form = {**params, **({"token": self._token} if self._token else {})}
        # A token goes into the body: addresses are written into the logs of servers and proxies.
        post = bool(self._token) or len(url) + len(urlencode(form)) > LONGEST_ADDRESS
        options: dict[str, Any] = {"data": form} if post else {"params": form}
        times = (self.patience.connect, self.patience.read)
        for _ in range(REDIRECTS + 1):
            with self._session.request(
                "POST" if post else "GET", url, timeout=times, stream=True, allow_redirects=False,
                **options,
            ) as answer:  # fmt: skip
                if not answer.is_redirect:
                    body = self._read(answer.raw, stop)
                    return answer.status_code, str(answer.reason), answer.headers, body
                url = self._same_host(url, answer.headers["Location"])
                options.pop("params", None)  # a redirect states the whole address
        raise ServiceError(f"{self.host} sends from one address to the next and never answers.")

    def _read(self, raw: Any, stop: threading.Event) -> bytes:
        pieces, size = [], 0
        while piece := raw.read1(CHUNK, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > self.patience.largest:
                raise ServiceError(
                    f"{self.host} sends more than {self.patience.largest:,} bytes in one answer; "
                    "ask for less at a time: start=, end=, boundary=."
                )
            if stop.is_set():
                break
        return b"".join(pieces)

    def _same_host(self, url: str, location: str) -> str:
        target = urljoin(url, location)
        old, new = urlsplit(url), urlsplit(target)
        same = (old.hostname, _port(old)) == (new.hostname, _port(new)) and "@" not in new.netloc
        upgrade = old.hostname == new.hostname and (_port(old), _port(new)) == (80, 443)
        if not (same or upgrade) or (old.scheme == "https" and new.scheme != "https"):
            raise ServiceError(
                f"{self.host} sends on to another server ({short(new.hostname)}), which is not "
                "followed: a login page, or the service has moved. If it has, give its new address."
            )
        return target

    def _named(self, error: Exception) -> Exception:
        """Return the error to raise in place of one of the libraries; those print addresses."""
        import requests
        import urllib3

        if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE" in str(error):
            return ServiceError(
                f"the certificate of {self.host} cannot be verified. If a proxy of your office "
                "opens connections, name its certificate in REQUESTS_CA_BUNDLE."
            )
        timeouts = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
        if isinstance(error, timeouts):
            late = self.patience
            return _TryAgainError(
                f"no connection within {late.connect:g} s, or nothing sent for {late.read:g} s"
            )
        if isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError | OSError):
            found = re.search(r"\[(?:Errno|WinError) -?\d+\] ([^'\")]+)", str(error))
            proxy = "the proxy: " if isinstance(error, requests.exceptions.ProxyError) else ""
            return _TryAgainError(f"{proxy}{found[1] if found else type(error).__name__}")
        return error

    def _excerpt(self, body: bytes) -> str:
        """Return the beginning of what a page says, without its markup."""
        bare = re.sub(rb"<(style|script)\b.*?</\1\s*>|<[^>]*>", b" ", body[:20_000], flags=re.S)
        words = " ".join(bare.decode("utf-8", errors="replace").split())
        return f" ({short(self._clean(words), most=120)})" if words else ""

    def _clean(self, text: str) -> str:
        return text.replace(self._token, "***") if self._token else text


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


def _session() -> Any:
    """Return a session that takes proxies and certificates from the environment, no passwords."""
    import requests

    session = requests.Session()
    session.auth = lambda request: request  # else a .netrc would be searched for passwords
    session.headers["User-Agent"] = f"patrolmap/{__version__}"
    return session


def _own_token(url: str) -> tuple[str | None, str | None]:
    """Return the token for this service, or why it is kept back."""
    token, parts = os.environ.get(TOKEN, "").strip(), urlsplit(url)
    if not token:
        return None, None
    host = os.environ.get(TOKEN_HOST, "").strip().lower()
    if host and host not in (parts.hostname, parts.netloc.lower()):
        return None, f"the token was kept back: {TOKEN_HOST} names another host"
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        return None, "the token was kept back: http would show it to everyone on the way"
    return token, None


def _port(parts: Any) -> int | None:
    return parts.port or PORTS.get(parts.scheme)


def _retry_after(value: str | None) -> float | None:
    """Return the seconds that a server asks to wait, told as a number or as a date.

    Examples
    --------
    >>> _retry_after("120"), _retry_after("soon")
    (120.0, None)
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else None
