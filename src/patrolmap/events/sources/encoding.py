"""Which encoding bytes of text are in, and a text file as UTF-8 whatever it is written in."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import BinaryIO, cast

from patrolmap.errors import SourceFormatError

SAMPLE = 1 << 20  # bytes from which the encoding is told
PIECE = 1 << 20  # bytes decoded at a time
# A packed file unpacks to no more than this many times its size, or it is a trap; small ones may.
MOST_TIMES, LEAST = 200, 1 << 28

TITLES = {
    "utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16", "cp1251": "Windows-1251", "kz1048": "KZ-1048", "koi8_r": "KOI8-R",
    "cp866": "DOS-866", "cp1252": "Windows-1252",
}  # fmt: skip
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
CYRILLIC = ("cp1251", "kz1048", "koi8_r", "cp866")

# How often letters stand in a thousand of Russian text; those of Kazakh alone are taken as rare.
SHARES = {
    "о": 110, "е": 85, "а": 80, "и": 74, "н": 67, "т": 63, "с": 55, "р": 47, "в": 45, "л": 44,
    "к": 35, "м": 32, "д": 30, "п": 28, "у": 26, "я": 20, "ы": 19, "ь": 17, "г": 17, "з": 17,
    "б": 16, "ч": 14, "й": 12, "х": 10, "ж": 9, "ш": 7, "ю": 6, "ц": 5, "щ": 4, "э": 3, "ф": 3,
    "ъ": 1, "ё": 1, **dict.fromkeys("әіңғүұқөһ", 8),
}  # fmt: skip
WEIGHTS = {letter: log2(share) for letter, share in SHARES.items()}
STRANGE = -3.0  # weight of what is no letter of these languages
TURNED = -3.0  # weight of a capital that follows a small letter
SURE = 0.5  # by how much another encoding must read better than Windows-1251, a letter
ENOUGH = 12  # letters from which that can be told


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How bytes become text: the codec, and whether broken characters are replaced."""

    codec: str
    errors: str = "strict"

    @property
    def title(self) -> str:
        """Return the name that people know it by."""
        return TITLES[self.codec]


def find_encoding(data: bytes, name: str) -> Encoding:
    """Tell the encoding from the first bytes: a byte-order mark decides, else what reads best.

    Raises
    ------
    SourceFormatError
        If the bytes are no text.

    Examples
    --------
    >>> find_encoding("дата;кража".encode("cp1251"), "a.csv").title
    'Windows-1251'
    """
    for mark, codec in MARKS.items():
        if data.startswith(mark):
            return Encoding(codec=codec)
    if b"\x00" in data:
        return _wide(data, name)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return second_guess(data)
    return Encoding(codec="utf-8")


def second_guess(data: bytes, before: bytes = b"") -> Encoding:
    """Tell the encoding of bytes that are no sound UTF-8; `before` are sound bytes above them.

    Examples
    --------
    >>> for codec in ("cp1251", "koi8_r", "cp866"):
    ...     print(second_guess("Кража чужого имущества, разбой, ГРАБЕЖ".encode(codec)).title)
    Windows-1251
    KOI8-R
    DOS-866
    >>> second_guess("Montréal; Côte-des-Neiges; été".encode("cp1252")).title
    'Windows-1252'
    """
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    sound = len(re.findall("[\u0080-\ufffc]", text))
    sound += len(re.findall("[\u0080-\ufffc]", before.decode("utf-8", "ignore"))) if before else 0
    if sound >= 20 * broken:
        return Encoding(codec="utf-8", errors="replace")
    if _is_latin(data):
        return Encoding(codec="cp1252")
    scores = {codec: _score(data, codec) for codec in CYRILLIC}
    best = max(scores, key=lambda codec: scores[codec])
    letters = len(re.findall(rb"[\x80-\xff]", data))
    sure = letters >= ENOUGH and scores[best] >= scores["cp1251"] + SURE
    return Encoding(codec=best if sure else "cp1251")


class Utf8Stream:
    """Bytes of a file as UTF-8, decoded piece by piece; `read` is all that Arrow asks for.

    Attributes
    ----------
    ends : int
        Line ends so far, CRLF counted as one.
    replaced : int
        Broken characters so far.
    """

    closed = False

    def __init__(self, file: BinaryIO, encoding: Encoding) -> None:
        self.ends = 0
        self.replaced = 0
        self._file = file
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding.codec)(encoding.errors)
        self._ready = memoryview(b"")
        self._last = b""
        self._done = False

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, b"" at the end; all that is left where it is negative."""
        if size < 0:
            return b"".join(iter(lambda: self.read(PIECE), b""))
        while not self._ready and not self._done:
            self._ready = memoryview(self._decode(self._file.read(PIECE)))
        out, self._ready = self._ready[:size], self._ready[size:]
        return bytes(out)

    def first(self, size: int) -> bytes:
        """Return so many bytes, fewer only where there are no more."""
        parts: list[bytes] = []
        while (missing := size - sum(map(len, parts))) > 0 and (part := self.read(missing)):
            parts.append(part)
        return b"".join(parts)

    @property
    def lines(self) -> int:
        """Lines read since the last `unread`, blank ones counted."""
        return self.ends + (self._last not in (b"\r", b"\n", b""))

    def unread(self, data: bytes) -> None:
        """Put bytes back, to be read next, and count lines from there."""
        self._ready = memoryview(data + bytes(self._ready))
        self.ends = count_ends(bytes(self._ready))

    def _decode(self, piece: bytes) -> bytes:
        self._done = not piece
        text = self._decoder.decode(piece, final=self._done)
        if self._encoding.errors == "replace":
            self.replaced += text.count("\ufffd")
        plain = self._encoding == Encoding(codec="utf-8")
        data = piece if plain else text.encode("utf-8", "replace")  # half a pair is no text
        split = self._last == b"\r" and data.startswith(b"\n")
        self.ends += count_ends(data) - split
        self._last = data[-1:] or self._last
        return data

    def close(self) -> None:
        """Do nothing: the file is its owner's to close."""


def count_ends(data: bytes) -> int:
    """Count line ends, CRLF as one."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


class _Bounded(gzip.GzipFile):
    """A gzip file that stops where it unpacks to far more than tables do."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        packed = Path(self.name).stat().st_size
        if self.tell() > max(LEAST, MOST_TIMES * packed):
            raise SourceFormatError(
                f"{Path(self.name).name} unpacks to more than {MOST_TIMES} times its size, as no "
                "table does; unpack it yourself if it is one."
            )
        return data


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading bytes, unpacked where it is packed with gzip.

    Raises
    ------
    SourceFormatError
        If the packed file is cut short or spoilt, or unpacks to more than 200 times its size
        (and 256 MB).
    """
    if path.suffix.lower() != ".gz":
        with path.open("rb") as plain:
            yield plain
        return
    try:
        with _Bounded(path, "rb") as packed:
            yield cast(BinaryIO, io.BufferedReader(packed, PIECE))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceFormatError(
            f"{path.name} cannot be unpacked, it may be cut short: {error}. Export it again."
        ) from error


def _wide(data: bytes, name: str) -> Encoding:
    """Tell UTF-16 without a mark by where its zero bytes stand."""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    for codec, high, low in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if high * 20 >= len(data) and low * 4 <= high:
            return Encoding(codec=codec)
    raise SourceFormatError(
        f"{name} is not text in UTF-8, UTF-16 or Windows-1251; save it as CSV in UTF-8."
    )


def _is_latin(data: bytes) -> bool:
    """Tell letters with accents amid Latin words from words of Cyrillic."""
    text = data.decode("cp1252", "replace")
    runs = list(re.finditer(r"[À-ÖØ-öø-ÿŠšŽžŒœŸ]+", text))
    if not runs or any(run.end() - run.start() > 2 for run in runs):
        return False
    beside = [
        text[max(run.start() - 1, 0) : run.start()] + text[run.end() : run.end() + 1]
        for run in runs
    ]
    return sum(re.search("[A-Za-z]", near) is not None for near in beside) >= 0.9 * len(runs)


def _score(data: bytes, codec: str) -> float:
    """Return how much like Russian or Kazakh the bytes read, a letter."""
    # A hard space is a letter in some of them, and stands for thousands in numbers.
    text = data[:65536].replace(b"\xa0", b" ").decode(codec, "replace")
    high = [letter for letter in text if ord(letter) > 127]
    if not high:
        return 0.0
    weights = sum(WEIGHTS.get(letter.lower(), STRANGE) for letter in high)
    turned = len(re.findall(r"[а-яёәіңғүұқөһ][А-ЯЁӘІҢҒҮҰҚӨҺ]", text))
    return (weights + TURNED * turned) / len(high)
