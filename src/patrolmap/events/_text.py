"""Text of a source made fit to show: short, one line, no control characters."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

# Control characters and the marks that turn the direction of writing: a terminal obeys them.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]+"
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # beginnings that a spreadsheet runs
MISSING = ("", "-", "nan", "nat", "none", "null", "<na>", "n/a", "na")


def short(value: Any, most: int = 40) -> str:
    """Write a value of a source in one short line.

    Examples
    --------
    >>> short("a\\x1b[31m" + "b" * 50, most=8)
    'a [31mb…'
    >>> short(None)
    'nothing'
    """
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "nothing"
    text = UNSEEN.sub(" ", str(value)[: most * 4]).strip()
    if not text:
        return "nothing"
    return text if len(text) <= most else text[: most - 1] + "…"


def fold(text: str) -> str:
    """Write a value of a source as the codes of a preset do: lower case, single spaces.

    Examples
    --------
    >>> fold(" LARCENY/THEFT\\t of  a bicycle")
    'larceny/theft of a bicycle'
    """
    return " ".join(UNSEEN.sub(" ", text).casefold().split())


def shorts(values: pd.Series, at: np.ndarray[Any, Any]) -> list[str]:
    """Write the values at these positions, each in one short line."""
    return [short(value) for value in values.iloc[at].tolist()]


def as_text(values: pd.Series) -> Any:
    """Return a column as an Arrow array of stripped text, null where nothing is said."""
    import pyarrow.compute as pc

    if isinstance(values.dtype, pd.CategoricalDtype):
        values = pd.Series(values.cat.categories).reindex(values.cat.codes)  # a gap is -1
    if pd.api.types.is_float_dtype(values.dtype):
        # A gap turns whole numbers into floats: 17.0 was 17.
        whole = values.dropna()
        if ((whole % 1) == 0).all() and (whole.abs() < 2**53).all():
            values = values.astype("Int64")
    missing = values.isna().to_numpy(dtype=bool)
    if isinstance(values.dtype, pd.StringDtype):
        text = pa.array(values, type=pa.large_string(), from_pandas=True)
        text = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    else:
        cells = [
            None if gap else _decoded(v) for v, gap in zip(values.tolist(), missing, strict=True)
        ]
        text = pa.array(cells, type=pa.large_string())
    text = pc.utf8_trim_whitespace(text)
    gaps = pc.is_in(pc.utf8_lower(text), value_set=pa.array(MISSING, type=pa.large_string()))
    return pc.if_else(gaps, pa.scalar(None, type=pa.large_string()), text)


def empties(values: pd.Series) -> np.ndarray[Any, Any]:
    """Tell the cells of a column in which nothing is said.

    Examples
    --------
    >>> empties(pd.Series(["x", " ", None, "n/a"])).tolist()
    [False, True, True, True]
    """
    if values.dtype.kind in "iufbM" or isinstance(values.dtype, pd.DatetimeTZDtype):
        return np.asarray(values.isna(), dtype=bool)
    return np.asarray(as_text(values).is_null())


def coded(values: pd.Series) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Return a column as numbers into its distinct texts (-1: nothing is said), and these.

    Examples
    --------
    >>> codes, texts = coded(pd.Series(["theft", " theft ", None, "robbery"]))
    >>> codes.tolist(), texts
    ([0, 0, -1, 1], ['theft', 'robbery'])
    """
    if isinstance(values.dtype, pd.StringDtype) or values.dtype.kind in "iufbM":
        rough, distinct = pd.factorize(values)  # strips only what differs: columns are long
    else:
        rough, distinct = pd.factorize(pd.Series(as_text(values).to_pandas()).astype("str"))
    fine, texts = pd.factorize(pd.Series(as_text(pd.Series(distinct)).to_pandas()).astype("str"))
    return np.append(fine, -1)[rough], [str(text) for text in texts]


def nothing(size: int) -> pd.Series:
    """Return a column of text in which nothing is said."""
    return pd.Series(pd.array([None], dtype="str").take(np.zeros(size, dtype=np.int64)))


def as_numbers(values: pd.Series) -> np.ndarray[Any, Any]:
    """Return a column as float64, NaN where it holds no number; a decimal comma is read too."""
    import pyarrow.compute as pc

    if pd.api.types.is_bool_dtype(values.dtype):
        return np.full(len(values), np.nan)
    if pd.api.types.is_numeric_dtype(values.dtype) and values.dtype.kind != "c":
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
    text = as_text(values)
    try:
        numbers = pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        # A decimal comma, and spaces between thousands as Excel writes them: 4 799 421,5
        dotted = pc.replace_substring(text, ",", ".")
        try:
            numbers = pc.cast(dotted, pa.float64())
        except pa.ArrowInvalid:
            numbers = _where_numbers(text)
    return np.asarray(pc.fill_null(numbers, float("nan")), dtype=np.float64)


def _where_numbers(text: Any) -> Any:
    """Return numbers where the text is one, null elsewhere."""
    import pyarrow.compute as pc

    dotted = pc.replace_substring_regex(text, r"^([+-]?\d+),(\d+)$", r"\1.\2")
    grouped = pc.match_substring_regex(dotted, r"^[+-]?\d{1,3}([ \x{a0}\x{202f}]\d{3})+([.,]\d+)?$")
    if pc.any(grouped).as_py():
        closed = pc.replace_substring_regex(dotted, r"[ \x{a0}\x{202f}]", "")
        dotted = pc.if_else(grouped, pc.replace_substring(closed, ",", "."), dotted)
    number = pc.match_substring_regex(dotted, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$")
    kept = pc.if_else(number, dotted, pa.scalar(None, type=pa.large_string()))
    return pc.cast(pc.replace_substring_regex(kept, r"^\+", ""), pa.float64())


def _decoded(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value).encode("utf-8", "replace").decode("utf-8")  # lone surrogates are not text
