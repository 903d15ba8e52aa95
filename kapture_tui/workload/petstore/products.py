"""What the stores sell: four categories, 55 products, and how pets use them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import product
from types import MappingProxyType

Value = str | float
"""Of a product's field: a text, or a number as a double."""


class Species(Enum):
    """Kinds of pets."""

    DOG = "dog"
    CAT = "cat"


@dataclass(frozen=True, slots=True)
class Product:
    """One article.

    Attributes:
        fields: name and value of everything a record says about it, in that order.
        size: content of a package, in the category's unit (pounds; bags).
        unit_cost: USD per unit; a package costs size times that.
    """

    fields: tuple[tuple[str, Value], ...]
    size: float
    unit_cost: float

    def value(self, field: str) -> Value:
        """Raises KeyError: the product has no such field."""
        return dict(self.fields)[field]

    @property
    def price(self) -> float:
        """Of a package, USD."""
        return self.size * self.unit_cost


@dataclass(frozen=True, slots=True)
class Category:
    """Products that replace each other.

    Attributes:
        name: as records carry it.
        species: whose pets use it.
        usage_rate: occasions of use a day, however many pets there are.
        mean_per_pet, variance_per_pet: of the amount one pet uses a day, in the unit of `Product.size`.
        fields: names of the fields by which a customer finds two products alike.
        products: all of them.
        columns: the products' values, by field.
    """

    name: str
    species: Species
    usage_rate: float
    mean_per_pet: float
    variance_per_pet: float
    fields: tuple[str, ...]
    products: tuple[Product, ...]
    columns: Mapping[str, tuple[Value, ...]] = field(init=False)

    def __post_init__(self) -> None:
        columns = {name: tuple(product.value(name) for product in self.products) for name in self.fields}
        object.__setattr__(self, "columns", MappingProxyType(columns))


def _product(category: str, unit_cost: float, size: float, **texts: str) -> Product:
    fields: dict[str, Value] = {"category": category, **texts, "size": size, "per_unit_cost": unit_cost}
    return Product(tuple(fields.items()), size, unit_cost)


def _dog_food() -> Category:
    name = "dry dog food"
    brands = (("Barkwell", 2.00), ("Trusty Bowl", 2.67), ("Old Shepherd", 3.00))
    flavors = ("Beef & Barley", "Turkey", "Salmon & Sweet Potato", "Venison")
    products = tuple(
        _product(name, cost, size, brand=brand, flavor=flavor)
        for (brand, cost), flavor, size in product(brands, flavors, (15.0, 30.0))
    )
    return Category(name, Species.DOG, 2.0, 0.25, 0.10, ("brand", "flavor", "size"), products)


def _cat_food() -> Category:
    name = "dry cat food"
    brands = (
        ("Whisker & Co", 2.86, (7.0, 15.0)),
        ("Tabby Table", 2.14, (7.0, 14.0)),
        ("Nine Suppers", 2.14, (7.0, 14.0)),
    )
    flavors = ("Plain", "Sardine", "Duck & Rice")
    products = tuple(
        _product(name, cost, size, brand=brand, flavor=flavor)
        for brand, cost, sizes in brands
        for flavor, size in product(flavors, sizes)
        if (brand, flavor, size) != ("Whisker & Co", "Plain", 7.0)
    )
    return Category(name, Species.CAT, 2.0, 0.10, 0.05, ("brand", "flavor", "size"), products)


def _kitty_litter() -> Category:
    # The 2016 catalogue misspells one brand in two of its rows, which makes a third brand for similarity.
    name = "kitty litter"
    rows = (
        ("Soft Paw", 1.43, 7.0),
        ("Soft Paw", 1.43, 14.0),
        ("Soft Paw", 1.43, 28.0),
        ("Clumpking", 1.50, 7.0),
        ("Clumpking", 1.50, 14.0),
        ("Clump King", 1.50, 28.0),
    )
    products = tuple(_product(name, cost, size, brand=brand) for brand, cost, size in rows)
    return Category(name, Species.CAT, 1.0, 0.1, 0.05, ("brand", "size"), products)


def _poop_bags() -> Category:
    name = "poop bags"
    brands = (("Clean Trail", 0.17), ("Park Pal", 0.21))
    products = tuple(
        _product(name, cost, size, brand=brand, color=color)
        for (brand, cost), color, size in product(brands, ("Green", "Charcoal"), (60.0, 120.0))
    )
    return Category(name, Species.DOG, 2.0, 1.0, 0.5, ("brand", "color", "size"), products)


CATEGORIES = (_dog_food(), _cat_food(), _kitty_litter(), _poop_bags())

PRODUCTS = tuple(item for category in CATEGORIES for item in category.products)
"""All products; a product's number is its place here."""

FIRST_PRODUCT = tuple(PRODUCTS.index(category.products[0]) for category in CATEGORIES)
"""The number of each category's first product."""
