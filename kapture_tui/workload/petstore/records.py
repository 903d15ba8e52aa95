"""The JSON of a transaction, put together from parts that are serialised once.

Field order and names are those of the 2016 queue loader, whose consumers cut the text instead of parsing it: the
time is a number and never the last field.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from kapture_tui.workload.fastjson import dumps
from kapture_tui.workload.petstore.customers import Customer
from kapture_tui.workload.petstore.products import PRODUCTS, Product
from kapture_tui.workload.petstore.shopping import Basket
from kapture_tui.workload.petstore.stores import Store
from kapture_tui.workload.petstore.tables import Location

_dump = json.JSONEncoder(separators=(",", ":")).encode

MESSAGE = b'{"id":%d%b%r%b'
"""Transaction id, `people_json`, time in days (a float), and the `basket_json`."""

TIMED_MESSAGE = MESSAGE.replace(b"%r", b"%b")
"""The same with a time out of `times_json`."""

_EXPONENTS = 1e-3
"""Somewhere below this JSON libraries begin to write numbers in different ways."""


def times_json(times: Sequence[float]) -> list[bytes]:
    """Times, sorted, as they stand in a message. A float's shortest form is most of a message's cost unless orjson is
    here to find it, and a call for all of them is little more than one for each."""
    if times and times[0] >= _EXPONENTS:
        return dumps(times)[1:-1].split(b",")
    return [b"%r" % time for time in times]


def people_json(customer: Customer) -> bytes:
    """What lies between id and time in every message of a customer: customer and store."""
    customer_json = _dump(_customer_object(customer))
    return f',"customer":{customer_json},"store":{_store_json(customer.store)},"dateTime":'.encode()


class BasketSerializer:
    """What follows the time in a message: the products, in full or (compat) as names of their fields only."""

    def __init__(self, compat: bool) -> None:
        describe = _field_names if compat else _full_object
        self._products = [_dump(describe(product)).encode() for product in PRODUCTS]
        # One or two products are four baskets in five; what is longer has too many variants to be kept.
        self._short = lru_cache(maxsize=4096)(self._join)

    def __call__(self, basket: Basket) -> bytes:
        return self._short(basket) if len(basket) <= 2 else self._join(basket)

    def _join(self, basket: Basket) -> bytes:
        return b',"products":[%b]}' % b",".join([self._products[number] for number in basket])


def _customer_object(customer: Customer) -> object:
    return {
        "id": customer.id,
        "name": {"first": customer.first_name, "second": customer.last_name},
        "location": _location_object(customer.location),
    }


@lru_cache(maxsize=1024)
def _store_json(store: Store) -> str:
    return _dump({"id": store.id, "name": store.name, "location": _location_object(store.location)})


def _location_object(location: Location) -> object:
    return {
        "zipcode": location.zipcode,
        "coordinates": {"first": location.latitude, "second": location.longitude},
        "city": location.city,
        "state": location.state,
        "medianHouseholdIncome": location.income,
        "population": location.population,
    }


def _full_object(product: Product) -> object:
    return dict(product.fields)


def _field_names(product: Product) -> object:
    return {"fieldNames": [name for name, _ in product.fields]}
