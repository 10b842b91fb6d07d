"""Ways in OSM's text form (OPL), `w1 v2 dV Tkey=value,key=value Nn1,n2`, taken apart as arrays."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]


class TextWays(NamedTuple):
    """Cells of the lines of some ways, way by way."""

    number: pa.Array
    version: pa.Array
    tags: pa.Array
    nodes: pa.Array


class Pairs(NamedTuple):
    """Tags of many ways as codes."""

    way: Ints  # (n,) the way each tag is of, ascending
    code: Ints  # (n,) its row in `text`
    text: list[str]  # `key=value`, each once
    n_ways: int


def split_lines(block: bytes) -> TextWays:
    """Take apart whole lines: their first two cells and their last two.

    All lines have equally many; which ones libosmium writes between depends on its version.

    Examples
    --------
    >>> split_lines(b"w7 v1 Thighway=path Nn1,n2\\n").nodes.to_pylist()
    [b'Nn1,n2']
    """
    import pyarrow.csv as csv

    names = [str(i) for i in range(block.partition(b"\n")[0].count(b" ") + 1)]
    cells = csv.read_csv(
        pa.BufferReader(block),
        csv.ReadOptions(column_names=names, block_size=len(block) + 1, use_threads=False),
        csv.ParseOptions(delimiter=" ", quote_char=False),
        csv.ConvertOptions(column_types=dict.fromkeys(names, pa.binary())),
    )
    return TextWays(*(cells[i].combine_chunks() for i in (0, 1, -2, -1)))


def split_tags(tags: pa.Array) -> Pairs:
    """Number the tags of ways; equal ones have one code.

    Examples
    --------
    >>> pairs = split_tags(pa.array([b"Thighway=path,lit=no", b"Thighway=path"]))
    >>> pairs.way.tolist(), pairs.code.tolist(), pairs.text
    ([0, 0, 1], [0, 1, 0], ['highway=path', 'lit=no'])
    """
    cells = pc.split_pattern(pc.binary_replace_slice(tags, 0, 1, b""), ",")  # without their T
    found = cells.flatten().dictionary_encode()
    return Pairs(
        way=np.repeat(np.arange(len(tags)), np.diff(cells.offsets.to_numpy())),
        code=found.indices.to_numpy().astype(np.int64),
        text=[text.decode() for text in found.dictionary.to_pylist()],
        n_ways=len(tags),
    )


def having(pairs: Pairs, *starts: str) -> npt.NDArray[np.bool_]:
    """Say which ways have a tag that begins so: `highway=` any highway, `area=yes` this value.

    Examples
    --------
    >>> tags = pa.array([b"Thighway=path,lit=no", b"Tarea=yes"])
    >>> having(split_tags(tags), "lit=", "area=yes").tolist()
    [True, True]
    """
    fits = np.array([text.startswith(starts) for text in pairs.text], dtype=bool)
    out = np.zeros(pairs.n_ways, dtype=bool)
    out[pairs.way[fits[pairs.code]]] = True
    return out


def values_of(pairs: Pairs, key: str) -> Texts:
    """Return what each way has for a key, as written; None where it lacks it."""
    prefix = f"{key}="
    told = np.array([text.startswith(prefix) for text in pairs.text], dtype=bool)
    value = np.full(len(told), None, dtype=object)
    value[told] = [pairs.text[i][len(prefix) :] for i in np.flatnonzero(told).tolist()]
    out = np.full(pairs.n_ways, None, dtype=object)
    on = told[pairs.code]
    out[pairs.way[on]] = value[pairs.code[on]]
    return out


def alike(pairs: Pairs, keys: Iterable[str]) -> tuple[Ints, list[tuple[str, ...]]]:
    """Group ways that agree in their tags of some keys, written in the same order.

    Returns
    -------
    group : (n_ways,) int64
    tags : list of tuple
        What each group is tagged with, `key=value`.
    """
    wanted = set(keys)
    told = np.array([text.partition("=")[0] in wanted for text in pairs.text], dtype=bool)
    on = told[pairs.code]
    way, code = pairs.way[on], pairs.code[on]
    begin = np.searchsorted(way, np.arange(pairs.n_ways + 1))
    size = np.diff(begin)
    group = np.zeros(pairs.n_ways, dtype=np.int64)
    for place in range(size.max(initial=0)):
        longer = size > place
        step = np.zeros(pairs.n_ways, dtype=np.int64)
        step[longer] = code[begin[:-1][longer] + place] + 1
        group = pd.factorize(group * (len(pairs.text) + 1) + step)[0].astype(np.int64)
    first = np.unique(group, return_index=True)[1]
    spans = zip(begin[first].tolist(), begin[first + 1].tolist(), strict=True)
    return group, [tuple([pairs.text[c] for c in code[a:b].tolist()]) for a, b in spans]


def count_nodes(nodes: list[bytes]) -> Ints:
    """Count the nodes of each way."""
    return np.array([text.count(b"n") for text in nodes], dtype=np.int64)


def whole_numbers(cells: list[bytes]) -> Ints:
    """Return the numbers in cells that hold one, `w7`, or any number of nodes, one after another.

    Examples
    --------
    >>> whole_numbers([b"Nn1,n-2", b"N", b"Nn30"]).tolist()
    [1, -2, 30]
    """
    text = b",".join([cell for cell in cells if cell != b"N"]).translate(None, b"Nnw")
    return np.fromstring(text, dtype=np.int64, sep=",") if text else np.empty(0, dtype=np.int64)


def tag(pair: str) -> tuple[str, str]:
    """Return key and value.

    Examples
    --------
    >>> tag("name=Abai%20%avenue")
    ('name', 'Abai avenue')
    """
    key, _, value = pair.partition("=")
    return plain(key), plain(value)


def plain(text: str) -> str:
    """Undo the way of writing spaces, commas and the like as %20%, %2c%.

    Examples
    --------
    >>> plain("Abai%20%avenue")
    'Abai avenue'
    """
    if "%" not in text:
        return text
    parts = text.split("%")  # libosmium writes a % itself as %25%: every second part is a code
    parts[1::2] = [chr(int(code, 16)) for code in parts[1::2]]
    return "".join(parts)
