"""Programmes: what a patrol is sent out for, as weights of events in small TOML files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from patrolmap.errors import ConfigError, SchemaError
from patrolmap.events._columns import listing
from patrolmap.events._toml import find_toml, read_toml
from patrolmap.events.hours import clock_weights
from patrolmap.events.rows.category import split_article
from patrolmap.events.rows.sieve import Bools, Floats
from patrolmap.schema import CATEGORIES, EVENT_KINDS, EVENTS, SEVERITIES, validate

FOLDER = Path(__file__).with_name("programmes")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Events of a programme that weigh alike; an empty field asks for nothing.

    Attributes
    ----------
    weight : float
        0 or more.
    kind, category, article, place, severity : tuple of str
        Values of the columns of `patrolmap.schema.EVENTS`. An article without a part (`188`,
        `345-1-0`) stands for all its parts.
    hours : (int, int) or None
        Local clock hours from and to, which may lie beyond midnight: (22, 6).
    """

    weight: float
    kind: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    article: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    hours: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Programme:
    """What a patrol is sent out for: the first rule that fits an event gives its weight.

    Attributes
    ----------
    name, title : str
    harm : bool
        Whether the weight is also multiplied by the event's harm in days.
    police_initiated : bool
        Whether offences that police found by their own work count; they weigh 0 otherwise.
    rules : tuple of Rule
        An event that none fits weighs 0.
    """

    name: str
    title: str
    harm: bool
    police_initiated: bool
    rules: tuple[Rule, ...]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    kind: list[str] = []
    category: list[str] = []
    article: list[str] = []
    place: list[str] = []
    severity: list[str] = []
    hours: list[int] | None = Field(default=None, min_length=2, max_length=2)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    title: str
    harm: bool = False
    police_initiated: bool = False
    rule: list[_Rule] = Field(min_length=1)


def read_programme(name_or_path: str | PathLike[str]) -> Programme:
    """Read a programme that comes with the package, by its name, or a TOML file of your own.

    Raises
    ------
    OptionError
        If there is no programme of that name; near names are listed.
    SourceNotFoundError
        If there is no such file.
    ConfigError
        If the file is not as it should be: names the key, what was given and wanted.

    Examples
    --------
    >>> programme = read_programme("burglary")
    >>> programme.title, len(programme.rules)
    ('Burglary: break-ins, and thefts from homes', 2)
    """
    path = find_toml(name_or_path, FOLDER, "programme")
    file: _File = read_toml(path, _File)
    rules = []
    for number, given in enumerate(file.rule, start=1):
        _check(given, f"{path.name}: rule {number}")
        lists = {
            key: tuple(getattr(given, key))
            for key in ("kind", "category", "article", "place", "severity")
        }
        hours = None if given.hours is None else (given.hours[0], given.hours[1])
        rules.append(Rule(weight=given.weight, hours=hours, **lists))
    return Programme(
        name=path.stem, title=file.title, harm=file.harm, rules=tuple(rules),
        police_initiated=file.police_initiated,
    )  # fmt: skip


def _check(rule: _Rule, where: str) -> None:
    for key, allowed in (("kind", EVENT_KINDS), ("category", CATEGORIES), ("severity", SEVERITIES)):
        for word in getattr(rule, key):
            if word not in allowed:
                raise ConfigError(f"{where}: {key} {word!r}; wanted one of {listing(allowed)}.")
    for article in rule.article:
        if not re.fullmatch(r"\d{2,3}(-\d{1,2}){0,2}", article):
            raise ConfigError(
                f"{where}: article {article!r}; wanted e.g. '188', '188-3', '345-1-0'."
            )
    for hour in rule.hours or ():
        if not 0 <= hour <= 24:
            raise ConfigError(f"{where}: hours = {rule.hours}; wanted two hours of 0 to 24.")
    if rule.hours and rule.hours[0] % 24 == rule.hours[1] % 24:
        raise ConfigError(f"{where}: hours = {rule.hours} is all day or none; leave hours out.")


def programme_weights(
    events: gpd.GeoDataFrame, programme: Programme | str | PathLike[str]
) -> pd.Series:
    """Weigh each event as a programme does.

    The weight is the first fitting rule's, times the event's harm where the programme says so,
    times the share of the event that lies in the rule's hours (`hour_weights`). With harm, an
    event whose harm is missing counts with the median harm of the others that weigh.

    Parameters
    ----------
    events
        Table as `read_events` makes it.
    programme
        A `Programme`, the name of one that comes with the package, or the path of a TOML file.

    Returns
    -------
    Series
        Named "weight", on the index of the events; `attrs` hold unit ("count" or "days"),
        programme and notes.

    Raises
    ------
    SchemaError
        If the events break their contract, or the programme needs harm and none is known.

    Examples
    --------
    >>> from patrolmap.events import read_events
    >>> table = pd.DataFrame({"date": ["2024-05-01", "2024-05-02"], "lon": [76.91, 76.92],
    ...                       "type": ["Burglary", "Fraud"], "lat": [43.25, 43.26]})
    >>> events = read_events(table, kind="crime", tz="Asia/Almaty")
    >>> programme_weights(events, "burglary").tolist()
    [1.0, 0.0]
    """
    plan = programme if isinstance(programme, Programme) else read_programme(programme)
    validate(events, EVENTS)
    weight = np.zeros(len(events))
    found = events["police_initiated"].to_numpy(dtype=bool)
    open_ = np.full(len(events), True) if plan.police_initiated else ~found
    left = int((~open_).sum())
    clock = _clock(events, plan)
    for rule in plan.rules:
        fits = open_ & _fits(events, rule)
        weight[fits] = rule.weight
        if rule.hours is not None:
            weight[fits] *= _share(clock[fits], rule.hours)
        open_ &= ~fits
    notes = [f"{left:,} events found by police themselves weigh 0"] if left else []
    if plan.harm:
        weight, said = _times_harm(weight, events, plan)
        notes += said
    out = pd.Series(weight, index=events.index, name="weight")
    out.attrs = {
        "unit": "days" if plan.harm else "count",
        "programme": plan.name,
        "notes": tuple(notes),
    }
    return out


def _fits(events: gpd.GeoDataFrame, rule: Rule) -> Bools:
    fits = np.ones(len(events), dtype=bool)
    for column in ("kind", "category", "place", "severity"):
        if wanted := getattr(rule, column):
            fits &= events[column].isin(wanted).to_numpy(dtype=bool)
    if rule.article:
        codes, distinct = pd.factorize(events["article"])
        known = [_is_article(str(whole), rule.article) for whole in distinct]
        fits &= np.array([*known, False])[codes]
    return fits


def _is_article(whole: str, wanted: Sequence[str]) -> bool:
    name, part = split_article(whole)
    asked = [split_article(text) for text in wanted]
    return any(name == article and which in (None, part) for article, which in asked)


def _clock(events: gpd.GeoDataFrame, plan: Programme) -> Floats:
    """Return the share of each event in each hour of the day, where a rule asks for hours."""
    if all(rule.hours is None for rule in plan.rules):
        return np.empty((len(events), 0))
    return clock_weights(events).astype(np.float64)


def _share(clock: Floats, hours: tuple[int, int]) -> Floats:
    """Return the share of each event that lies in these hours, which may turn round midnight."""
    start, stop = hours[0] % 24, hours[1] % 24
    asked = (start + np.arange((stop - start) % 24)) % 24
    return np.asarray(clock[:, asked].sum(axis=1))


def _times_harm(
    weight: Floats, events: gpd.GeoDataFrame, plan: Programme
) -> tuple[Floats, list[str]]:
    harm = events["harm"].to_numpy(dtype=np.float64)
    counted = weight > 0
    known = counted & np.isfinite(harm)
    if counted.any() and not known.any():
        raise SchemaError(
            f"the programme {plan.name!r} weighs by harm, and no event of it has any; read the "
            "events with harm='kz', or with a table of your own."
        )
    lost = counted & ~known
    if not lost.any():
        return np.where(counted, weight * harm, 0.0), []
    middle = float(np.median(harm[known]))
    note = f"{int(lost.sum()):,} events without harm count with the median, {middle:g} days"
    return np.where(counted, weight * np.where(known, harm, middle), 0.0), [note]
