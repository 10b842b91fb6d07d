"""Tables against their contracts.

`validate` checks at the border of a stage; a table that breaks its contract goes to pandera, which
finds every row at fault; `to_markdown` writes the same contract as the table in the docs.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.schema.contract import Column, Kind, Table


def require_type(value: object, wanted: type, *, name: str) -> None:
    """Raise `OptionError` unless a value given to a public function is of the type it needs."""
    if not isinstance(value, wanted):
        raise OptionError(f"{name} is a {type(value).__name__}; wanted a {wanted.__name__}.")


def validate(table: pd.DataFrame, contract: Table) -> None:
    """Check a table against its contract.

    Parameters
    ----------
    table
        Any DataFrame or GeoDataFrame; columns beyond the contract are not looked at.
    contract
        One of the tables declared in this module.

    Raises
    ------
    SchemaError
        Naming the column, what it held and what was wanted, for the first few failing rows.
    """
    if not all(_holds(table, column) for column in contract.columns):
        _validate_with_pandera(table, contract)
    levels = list(table.index.names)
    wanted = [column.name for column in contract.index]
    if levels != wanted:
        raise SchemaError(f"{contract.name}: the index is {levels}, wanted {wanted}.")
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][:3].tolist()
        raise SchemaError(f"{contract.name}: ids stand more than once, e.g. {twice}.")


def _holds(table: pd.DataFrame, column: Column) -> bool:
    """Say whether a column keeps its contract; to ask pandera takes 0.3 s, mostly to load it."""
    if column.name not in table:
        return False
    values = table[column.name]
    there = values.dropna()
    return bool(
        _IS_KIND[column.kind](values)
        and (column.nullable or len(there) == len(values))
        and (column.allowed is None or there.isin(column.allowed).all())
        and (column.minimum is None or (there >= column.minimum).all())
    )


def _validate_with_pandera(table: pd.DataFrame, contract: Table) -> None:
    """Check the columns with pandera, which says of every rule where it is broken."""
    import pandera.errors
    import pandera.pandas as pa

    rules = pa.DataFrameSchema(
        {
            column.name: pa.Column(checks=_checks(column), nullable=column.nullable, required=True)
            for column in contract.columns
        }
    )
    plain = pd.DataFrame({name: table[name].array for name in contract.names if name in table})
    try:
        rules.validate(plain, lazy=True)
    except pandera.errors.SchemaErrors as error:
        raise SchemaError(_explain(error.failure_cases, contract)) from error


def to_markdown(contract: Table) -> str:
    """Write a contract as a Markdown table for the docs.

    Examples
    --------
    >>> from patrolmap.schema import NODES
    >>> print(to_markdown(NODES))
    | column | kind | unit | meaning |
    |---|---|---|---|
    | **node_id** | int |  | OSM id; negative where a long segment was split |
    | geometry | geometry | m | point |
    """
    rows = ["| column | kind | unit | meaning |", "|---|---|---|---|"]
    for column in (*contract.index, *contract.columns):
        name = f"**{column.name}**" if column in contract.index else column.name
        allowed = f" ({', '.join(column.allowed)})" if column.allowed else ""
        rows.append(f"| {name} | {column.kind} | {column.unit} | {column.meaning}{allowed} |")
    return "\n".join(rows)


_IS_KIND: dict[Kind, Callable[[pd.Series], bool]] = {
    "str": lambda s: pd.api.types.is_string_dtype(s.dtype) or s.isna().all(),
    "int": lambda s: pd.api.types.is_integer_dtype(s.dtype),
    "float": lambda s: pd.api.types.is_float_dtype(s.dtype),
    "bool": lambda s: pd.api.types.is_bool_dtype(s.dtype),
    "time": lambda s: isinstance(s.dtype, pd.DatetimeTZDtype),
    "geometry": lambda s: s.dtype.name == "geometry",
    "list": lambda s: all(isinstance(value, list) for value in s),
}


def _checks(column: Column) -> list[Any]:
    import pandera.pandas as pa

    checks = [pa.Check(_IS_KIND[column.kind], name=f"wanted {column.kind}", ignore_na=False)]
    if column.allowed is not None:
        checks.append(pa.Check.isin(column.allowed, name=f"wanted one of {list(column.allowed)}"))
    if column.minimum is not None:
        checks.append(pa.Check.ge(column.minimum, name=f"wanted at least {column.minimum:g}"))
    return checks


def _explain(failures: pd.DataFrame, contract: Table) -> str:
    """Put pandera's failure table into one sentence per broken rule."""
    lines = []
    for (column, check), cases in failures.groupby(["column", "check"], dropna=False, sort=False):
        given = cases["failure_case"].head(3).tolist()
        rows = cases["index"].dropna().head(3).tolist()
        where = f" (rows {rows})" if rows else ""
        if check == "column_in_dataframe":
            lines.append(f"{contract.name}: no column {given[0]!r}; wanted {contract.names}.")
        else:
            lines.append(f"{contract.name}: column {column!r}: {check}, given {given}{where}.")
    return "\n".join(lines)
