"""Write the package's harm table from the facts in ../shared: `python tools/make_harm.py`.

The facts are the terms of 79 article parts of the Criminal Code of Kazakhstan. The rule that turns
them into days is written here and in docs/presets.md, and nowhere else.
"""

import csv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT.parent / "shared" / "data" / "kz" / "criminal-code-penalties.csv"
TABLE = ROOT / "src" / "patrolmap" / "events" / "harm_tables" / "kz.csv"

YEAR = 365.0
LEAST_TERM = 0.5 * YEAR  # art. 46 (3): imprisonment is for six months at least
LEAST_FINE = 25 / 4  # art. 41 (2), (3): a fine of 25 units at least, a day of arrest for four
NO_VICTIM = 1.0  # a crash that hurt nobody is no offence, but not nothing

SEVERITY = {"0": "misdemeanour", "1": "minor", "2": "medium", "3": "grave", "4": "especially_grave"}

# Category -> the article whose days it takes where a source names no article.
CATEGORIES = {
    "violence": "107-1",  # the middle of the three degrees of bodily harm
    "sexual": "120-1",
    "domestic": "110-1",  # torment: repeated beatings
    "robbery": "191-2",  # with violence, or by a group
    "burglary": "188-3",  # theft with illegal entry
    "theft": "188-1",
    "vehicle": "200-1",
    "fraud": "190-1",
    "extortion": "194-1",
    "damage": "202-1",
    "arson": "202-2",
    "disorder": "293-1",
}

# Outcome of an accident -> the article part that punishes it.
OUTCOMES = {"injured": "345-1", "killed": "345-3", "killed_more": "345-4"}

HEAD = """\
# Harm in days of imprisonment by the Criminal Code of Kazakhstan of 3 July 2014, No. 226-V.
# Terms: 79 article parts as transcribed from the official text in 2026; redactions are mixed, so
# check what you rely on, or bring a table of your own. Rule: docs/presets.md, "Harm".
# Written by tools/make_harm.py; change that, not this file.
"""


def days(row: dict[str, str]) -> tuple[float, float, str]:
    """Return the least and the middle days of an article part, and the rule that gave the least."""
    least, most = float(row["min_imprisonment_years"]), float(row["max_imprisonment_years"])
    if least:
        return least * YEAR, (least + most) / 2 * YEAR, "stated"
    if most:
        return LEAST_TERM, (LEAST_TERM + most * YEAR) / 2, "least term"
    return LEAST_FINE, (LEAST_FINE + float(row["max_arrest_days"])) / 2, "least fine"


def lines(facts: list[dict[str, str]]) -> list[list[str]]:
    """Return the rows of the table."""
    table: dict[str, list[str]] = {}
    for row in facts:
        article = f"{row['article']}-{row['part']}" if row["part"] else row["article"]
        least, middle, rule = days(row)
        severity = SEVERITY[row["derived_category_code"]]
        table[article] = [article, "", "", f"{least:g}", f"{middle:g}", severity, rule]
    out = list(table.values())
    for word, article in CATEGORIES.items():
        out.append(["", word, "", *table[article][3:5], "", f"as {article}"])
    for outcome, article in OUTCOMES.items():
        out.append(["", "", outcome, *table[article][3:5], "", f"as {article}"])
    return [*out, ["", "", "unhurt", f"{NO_VICTIM:g}", f"{NO_VICTIM:g}", "", "no offence"]]


if __name__ == "__main__":
    with FACTS.open(encoding="utf-8", newline="") as file:
        rows = lines(list(csv.DictReader(file)))
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        file.write(HEAD)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["article", "category", "outcome", "minimum", "midpoint", "severity", "rule"]
        )
        writer.writerows(rows)
    print(TABLE)
