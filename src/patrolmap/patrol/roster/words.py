"""What columns and cells of rosters are called in Kazakh, Russian and English."""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events._columns import headers, plain_name
from patrolmap.events._text import fold

# Role -> names of its column as `plain_name` writes them, the best first.
ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "name": ("shift", "shift_name", "name", "смена", "название", "наименование", "ауысым",
                 "ауысым_атауы", "атауы"),
        "crew": ("crew", "crew_id", "crew_no", "crew_number", "patrol", "route", "route_id",
                 "наряд", "наряда", "номер_наряда", "экипаж", "экипажа", "номер_экипажа", "маршрут",
                 "маршрута", "номер_маршрута", "жасақ", "жасақ_нөмірі", "экипаж_нөмірі", "бағыт"),
        "crews": ("crews", "number_of_crews", "crew_count", "patrols", "нарядов", "наряды",
                  "количество_нарядов", "число_нарядов", "кол_во_нарядов", "экипажей",
                  "количество_экипажей", "жасақ_саны", "экипаж_саны", "нарядтар_саны"),
        "service": ("service", "agency", "force", "служба", "ведомство", "орган",
                    "подразделение", "қызмет", "қызметі", "орган_атауы", "бөлімше"),
        "mode": ("mode", "transport", "kind", "type", "вид", "вид_наряда", "вид_патруля", "способ",
                 "тип", "түрі", "жасақ_түрі", "патруль_түрі"),
        "date": ("date", "day", "дата", "день", "число", "күні", "күн"),
        "start": ("start", "begin", "from", "start_time", "start_at", "начало", "начало_смены",
                  "время_начала", "выход", "с", "басталуы", "басы", "бастау_уақыты",
                  "басталу_уақыты"),
        "end": ("end", "to", "until", "finish", "end_time", "end_at", "конец", "окончание",
                "окончание_смены", "время_окончания", "до", "по", "аяқталуы", "соңы",
                "аяқтау_уақыты", "аяқталу_уақыты"),
        "time": ("time", "hours", "shift_time", "shift_hours", "время", "часы", "время_смены",
                 "время_несения_службы", "режим", "уақыты", "уақыт", "сағаты", "ауысым_уақыты"),
        "duration": ("duration", "length", "продолжительность", "длительность", "ұзақтығы",
                     "ұзақтық"),
        "depot": ("depot", "start_depot", "post", "station", "place", "start_place", "место",
                  "пост", "пункт", "опорный_пункт", "опорный_пункт_полиции", "участок", "отдел",
                  "отделение", "место_сбора", "место_выхода", "место_начала", "дислокация",
                  "координаты", "coordinates", "орны", "бекет", "пункті", "тірек_пункті",
                  "учаске", "бөлім", "жиналу_орны", "бастау_орны"),
        "lat": ("lat", "latitude", "depot_lat", "широта", "ендік"),
        "lon": ("lon", "lng", "long", "longitude", "depot_lon", "долгота", "бойлық"),
        "end_depot": ("end_depot", "handover", "handover_place", "end_post", "end_place",
                      "место_сдачи", "место_смены", "место_передачи", "место_окончания",
                      "сдача", "конечный_пункт", "тапсыру_орны", "ауысу_орны", "аяқтау_орны"),
        "rules": ("rules", "правила", "ережелер", "ереже"),
    }
)  # fmt: skip

MODES: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("walk", "foot", "on foot", "pedestrian", "walking", "пеший", "пешая", "пешком", "пешие",
         "пеший патруль", "пеший наряд", "пп", "жаяу", "жаяу патруль", "жаяу жасақ"),
        "walk",
    )
    | dict.fromkeys(
        ("drive", "car", "vehicle", "auto", "driving", "by car", "авто", "автопатруль", "ап",
         "автомобиль", "автомобильный", "на автомобиле", "машина", "автомашина", "автоэкипаж",
         "мобильный", "көлік", "автокөлік", "көлікпен", "автокөлікпен", "машинамен"),
        "drive",
    )
)  # fmt: skip

SERVICES: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("police", "полиция", "полиции", "мвд", "овд", "ппс", "мпс", "дп", "уп",
         "патрульная полиция", "местная полицейская служба", "іім", "полиция қызметі",
         "патрульдік полиция"),
        "police",
    )
    | dict.fromkeys(
        ("national guard", "national_guard", "national-guard", "guard", "нг", "нгрк", "нг рк",
         "нацгвардия", "национальная гвардия", "нац. гвардия", "национальная гвардия рк",
         "ұұ", "ұлттық ұлан", "ұлан", "ұлттық гвардия"),
        "national_guard",
    )
)  # fmt: skip


def find_columns(names: Iterable[str], given: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return role -> column, as the caller names it, else by the names that rosters use.

    Raises
    ------
    OptionError
        If `given` names no role.
    SchemaError
        If it names a column that is not there.

    Examples
    --------
    >>> find_columns(["Наряд №", "Начало смены", "Пост"], None)
    {'crew': 'Наряд №', 'start': 'Начало смены', 'depot': 'Пост'}
    """
    asked = dict(given or {})
    unknown = [role for role in asked if role not in ROLES]
    if unknown:
        raise OptionError(f"columns= names the role {unknown[0]!r}; wanted one of {list(ROLES)}.")
    names = list(names)
    by_name: dict[str, str] = {}
    for name in names:
        by_name.setdefault(_plain(name), name)
    found: dict[str, str] = {}
    for role, known in ROLES.items():
        if role not in asked:
            column = next((by_name[name] for name in known if name in by_name), None)
        else:
            column = _named(role, asked[role], names, by_name)
        if column is not None:
            found[role] = column
    return found


def _plain(name: str) -> str:
    """Write a column's name plainly: what stands in brackets, the sign for number and colons go.

    Examples
    --------
    >>> _plain("Начало смены (час:мин)"), _plain("№ наряда"), _plain("Кол-во нарядов")
    ('начало_смены', 'наряда', 'кол_во_нарядов')
    """
    bare = re.sub(r"\(.*?\)|№|#|:|/.*$", " ", str(name))
    return plain_name(bare.replace("ё", "е")) or plain_name(name)


def _named(
    role: str, column: str | None, names: Sequence[str], by_name: Mapping[str, str]
) -> str | None:
    if column is None:
        return None
    found = column if column in names else by_name.get(_plain(str(column)))
    if found is None:
        raise SchemaError(
            f"columns= says that {role!r} is in the column {column!r}, which the roster lacks; "
            f"it has {headers(names)}."
        )
    return found


def word(value: Any, known: Mapping[str, str]) -> str | None:
    """Return what a cell's word means, None where it is not known.

    Examples
    --------
    >>> word(" Пеший патруль.", MODES), word("на коне", MODES)
    ('walk', None)
    """
    return known.get(fold(str(value)).replace("ё", "е").strip(" ."))
