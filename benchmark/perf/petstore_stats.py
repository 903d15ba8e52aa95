"""Does the petstore generator do what the 2016 one did? Every figure of a run, compared with the reference.

    python -m benchmark.perf.petstore_stats [A|B] [--seeds 1 2 3 4 5]

prints the figures that are out of their limits, the widest first, and fails when there are too many. Run A (a year) is
also a test; run B (2,500 days) takes some minutes.

One figure is off for a reason: `customer_zip_population/p1` (about 270 people, reference 360 ± 22). Our table has 1,010
ZIP codes, most of them small, that the coordinates of the 2016 generator lack. Without them it would be 344.
"""

from __future__ import annotations

import argparse
import json
import sys
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from kapture_tui.workload.petstore import Petstore, PetstoreSpec
from kapture_tui.workload.petstore.customers import distance_miles
from kapture_tui.workload.petstore.products import CATEGORIES, PRODUCTS, Species
from kapture_tui.workload.petstore.shopping import Basket

REFERENCE = Path(__file__).resolve().parents[2] / "tests" / "unit" / "petstore" / "reference.json"

WARM_UP_DAYS = 50
"""Left out where a figure is "after warm-up"."""

PERIODS = ((0, 1), (1, 10), (10, 20), (20, 30), (30, 60), (60, 120), (120, 365))
"""Days over which the rate of transactions is taken."""

PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)

DIGITS, SUMMARY_DIGITS = 5, 4
"""Decimals of every figure, and of one in a summary, as in the reference."""

LIMIT, HARD_LIMIT, OUTSIDE = 3.0, 5.0, 1 / 50
"""Standard deviations a figure may be off; share of figures that may be further off; and how far at most."""

Figures = dict[str, float]

CATEGORY_OF = [place for place, category in enumerate(CATEGORIES) for _ in category.products]
"""Place of each product's category in CATEGORIES."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One figure of both sides: mean over the seeds and standard deviation between them."""

    name: str
    reference: tuple[float, float]
    measured: tuple[float, float]

    @property
    def sigmas(self) -> float:
        """Distance of the means in the larger of the two deviations; infinite if they differ and both are 0."""
        difference = abs(self.reference[0] - self.measured[0])
        if difference == 0:
            return 0.0
        deviation = max(self.reference[1], self.measured[1])
        return difference / deviation if deviation else float("inf")

    def __str__(self) -> str:
        values = f"{self.measured[0]:g} ± {self.measured[1]:g}, reference {self.reference[0]:g} ± {self.reference[1]:g}"
        return f"{self.name}: {values}: off by {self.sigmas:.1f} standard deviations"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All figures of a run, the one furthest off first."""

    deviations: Sequence[Deviation]

    @property
    def off(self) -> list[Deviation]:
        """Those beyond the limit."""
        return [deviation for deviation in self.deviations if deviation.sigmas > LIMIT]

    @property
    def agrees(self) -> bool:
        """Whether few enough figures are off, and none by too much."""
        few = len(self.off) <= OUTSIDE * len(self.deviations)
        return few and all(deviation.sigmas <= HARD_LIMIT for deviation in self.off)

    def __str__(self) -> str:
        lines = [f"{len(self.off)} of {len(self.deviations)} figures are off", *map(str, self.off)]
        return "\n  ".join(lines)


def compare(run: str, seeds: Iterable[int] = range(1, 6), workers: int = 2) -> Comparison:
    """Generate the run ("A" or "B") with each of two or more seeds and compare the figures with the reference."""
    reference = json.loads(REFERENCE.read_text())["runs"][run]
    params = {name: reference["params"][name] for name in ("stores", "customers", "days", "models")}
    with ProcessPoolExecutor(workers) as pool:
        runs = list(pool.map(partial(_measure_seed, params), seeds))
    deviations = []
    for name, (mean, deviation) in reference["figures"].items():
        values = [figures.get(name, 0.0) for figures in runs]
        measured = round(fmean(values), DIGITS), round(stdev(values), DIGITS)
        deviations.append(Deviation(name, (mean, deviation), measured))
    return Comparison(sorted(deviations, key=lambda item: -item.sigmas))


def _measure_seed(params: dict[str, Any], seed: int) -> Figures:
    return measure(PetstoreSpec(seed=seed, **params))


def measure(spec: PetstoreSpec) -> Figures:
    """Generate a run and take its figures."""
    petstore = Petstore(spec)
    visits = Visits(spec.customers)
    for time, slot, _, basket in petstore.visits():
        visits.times[slot].append(time)
        visits.baskets[slot].append(basket)
    nested = {**people_figures(petstore), **visit_figures(visits, spec.days), **product_figures(visits)}
    return {name: round(value, DIGITS) for name, value in _flatten(nested)}


class Visits:
    """Times and baskets of each customer, in order of time."""

    def __init__(self, customers: int) -> None:
        self.times = [array("d") for _ in range(customers)]
        self.baskets: list[list[Basket]] = [[] for _ in range(customers)]

    def all(self) -> Iterator[tuple[float, Basket]]:
        for times, baskets in zip(self.times, self.baskets, strict=True):
            yield from zip(times, baskets, strict=True)


def people_figures(petstore: Petstore) -> dict[str, Any]:
    """Stores, customers and where they are."""
    stores = [store.location for store in petstore.stores]
    homes = [customer.location for customer in petstore.customers]
    miles = [distance_miles(customer.location, customer.store.location) for customer in petstore.customers]
    return {
        "customer_store_distance_miles": summary(miles),
        "share_customers_same_zip_as_store": fmean(
            customer.location.zipcode == customer.store.location.zipcode for customer in petstore.customers
        ),
        "distinct_store_zips": len({location.zipcode for location in stores}),
        "distinct_customer_zips": len({location.zipcode for location in homes}),
        "store_zip_population": summary([location.population for location in stores]),
        "store_zip_income": summary([location.income for location in stores]),
        "customer_zip_income": summary([location.income for location in homes]),
        "customer_zip_population": summary([location.population for location in homes]),
        "store_state_share": shares(location.state for location in stores),
        "customer_state_share": shares(location.state for location in homes),
    }


def visit_figures(visits: Visits, days: float) -> dict[str, Any]:
    """How many transactions, and when."""
    counts = [len(times) for times in visits.times]
    after = [len(times) - bisect_left(times, WARM_UP_DAYS) for times in visits.times]
    gaps = [(earlier, later - earlier) for times in visits.times for earlier, later in pairwise(times)]
    first = [[len(b) for t, b in zip(*both, strict=True) if t == 0.0] for both in _both(visits)]
    every = sorted(time for times in visits.times for time in times)
    return {
        "n_transactions": sum(counts),
        "tx_per_customer": summary(counts),
        "tx_per_customer_per_30d_after_warmup": summary([n * 30 / (days - WARM_UP_DAYS) for n in after]),
        "tx_at_time_zero_per_customer": summary([len(items) for items in first]),
        "items_at_time_zero_per_customer": summary([sum(items) for items in first]),
        "gap_days_all": summary([gap for _, gap in gaps]),
        "gap_days_after_first_positive": summary([gap for earlier, gap in gaps if earlier > 0]),
        "gap_days_after_warmup": summary([gap for earlier, gap in gaps if earlier >= WARM_UP_DAYS]),
        "share_gap_exactly_zero": fmean(gap == 0.0 for _, gap in gaps),
        "tx_per_customer_per_day_by_period": {
            f"{start}-{end}": (bisect_left(every, end) - bisect_left(every, start))
            / len(counts)
            / (end - start)
            for start, end in PERIODS
        },
    }


def _both(visits: Visits) -> Iterator[tuple[Sequence[float], Sequence[Basket]]]:
    return zip(visits.times, visits.baskets, strict=True)


def product_figures(visits: Visits) -> dict[str, Any]:
    """What was bought."""
    baskets = [basket for _, basket in visits.all()]
    later = [basket for time, basket in visits.all() if time > 0.0]
    prices = [product.price for product in PRODUCTS]
    products = Counter(number for basket in baskets for number in basket)
    distinct = [(len(basket), len({CATEGORY_OF[number] for number in basket})) for basket in baskets]
    total = products.total()
    return {
        "n_items": total,
        "items_per_tx_hist_all": shares(map(len, baskets)),
        "items_per_tx_mean_all": fmean(map(len, baskets)),
        "items_per_tx_hist_time_gt_0": shares(map(len, later)),
        "items_per_tx_mean_time_gt_0": fmean(map(len, later)),
        "distinct_categories_per_tx": shares(categories for _, categories in distinct),
        "share_tx_with_repeated_category": fmean(items > categories for items, categories in distinct),
        "category_item_share_all": category_shares(baskets),
        "category_item_share_time_gt_0": category_shares(later),
        "size_share_within_category": size_shares(products),
        "unique_products": len(products),
        "product_share_max": max(products.values()) / total,
        "product_share_min": min(products.values()) / total,
        "repeat_prob_consecutive_same_category": repeat_shares(visits),
        "spend_per_tx_usd": summary([sum([prices[number] for number in basket]) for basket in baskets]),
        "customer_species_share": species_shares(visits),
    }


def category_shares(baskets: Iterable[Basket]) -> dict[str, float]:
    """Share of each category in the items."""
    return shares(CATEGORIES[CATEGORY_OF[number]].name for basket in baskets for number in basket)


def size_shares(products: Counter[int]) -> dict[str, dict[str, float]]:
    """Share of each size in the items of its category."""
    sizes: dict[str, Counter[float]] = defaultdict(Counter)
    for number, items in products.items():
        sizes[CATEGORIES[CATEGORY_OF[number]].name][PRODUCTS[number].size] += items
    return {name: shares(counter.elements()) for name, counter in sizes.items()}


def repeat_shares(visits: Visits) -> dict[str, dict[str, float]]:
    """How often an item has the product, or the field, of the customer's previous item of the category."""
    follows: dict[int, Counter[tuple[int, int]]] = defaultdict(Counter)
    for baskets in visits.baskets:
        last: dict[int, int] = {}
        for number in (number for basket in baskets for number in basket):
            category = CATEGORY_OF[number]
            if category in last:
                follows[category][last[category], number] += 1
            last[category] = number
    return {CATEGORIES[place].name: _agreement(place, pairs) for place, pairs in follows.items()}


def _agreement(place: int, pairs: Counter[tuple[int, int]]) -> dict[str, float]:
    total = pairs.total()
    result = {"same_product": sum(n for (a, b), n in pairs.items() if a == b) / total}
    for name in CATEGORIES[place].fields:
        same = sum(n for (a, b), n in pairs.items() if PRODUCTS[a].value(name) == PRODUCTS[b].value(name))
        result[f"same_{name}"] = same / total
    return result


def species_shares(visits: Visits) -> dict[str, float]:
    """Share of customers by what they buy for: everybody buys each category that is needed at time 0."""
    kinds = []
    for baskets in visits.baskets:
        bought = {CATEGORIES[CATEGORY_OF[number]].species for basket in baskets for number in basket}
        kinds.append("both" if len(bought) == 2 else "dog_only" if Species.DOG in bought else "cat_only")
    return shares(kinds)


def shares(values: Iterable[Any]) -> dict[str, float]:
    """Share of each distinct value."""
    counter = Counter(values)
    total = counter.total()
    return {str(value): count / total for value, count in counter.items()}


def summary(values: Sequence[float]) -> dict[str, float]:
    """Percentiles (with linear interpolation), mean, standard deviation, number and maximum."""
    ordered = sorted(values)
    mean = fmean(ordered)
    variance = sum([(value - mean) ** 2 for value in ordered]) / (len(ordered) - 1)
    percentiles = {f"p{percent}": _quantile(ordered, percent / 100) for percent in PERCENTILES}
    figures = {**percentiles, "mean": mean, "sd": sqrt(variance), "n": len(ordered), "max": ordered[-1]}
    return {name: round(value, SUMMARY_DIGITS) for name, value in figures.items()}


def _quantile(ordered: Sequence[float], share: float) -> float:
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def _flatten(nested: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in nested.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}/")
        else:
            yield prefix + name, value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", nargs="?", choices=("A", "B"), default="B")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=range(1, 6), help="two or more (default: 1 to 5)"
    )
    arguments = parser.parse_args()
    comparison = compare(arguments.run, arguments.seeds)
    print(f"run {arguments.run}: {comparison}")
    return 0 if comparison.agrees else 1


if __name__ == "__main__":
    sys.exit(main())
