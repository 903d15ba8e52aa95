"""Orders and the transactions they become."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.spec import MAX_CUSTOMERS, LoadSpec
from kapture_tui.model.states import STATES
from kapture_tui.workload.fastjson import loads
from kapture_tui.workload.loader import customer_base, identity, petstore_spec
from kapture_tui.workload.petstore import Petstore
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.transaction import parse
from kapture_tui.workload.webapp.shop import ARTICLES, CUSTOMERS, MAX_ITEMS, NotOrdered, Order, Shop

LOAD = LoadSpec(stores=60, customers=20)
WHO = identity("webapp-0", 0)
SHOP = Shop(LOAD, WHO, customer_base(WHO))

orders = st.builds(
    Order,
    st.sampled_from(sorted(SHOP.stores)),
    st.integers(0, CUSTOMERS - 1),
    st.lists(st.integers(0, len(ARTICLES) - 1), min_size=1, max_size=MAX_ITEMS).map(tuple),
)


@given(orders)
def test_an_order_becomes_a_transaction_of_its_state(order: Order) -> None:
    customer = SHOP.customer(order.state, order.customer)
    _, value = SHOP.transaction(order, customer, 0.25)
    read = parse(value, 7)
    assert read.products == tuple(ARTICLES[number].name for number in order.products)
    assert (read.customer, read.cents, read.day) == (customer.id, order.cents, 0.25)
    assert read.document["store"]["location"]["state"] == order.state


def test_it_has_the_fields_of_a_loaders_transaction_in_their_order() -> None:
    order = Order("CA", 5, (3, 4))
    _, value = SHOP.transaction(order, SHOP.customer("CA", 5), 1.5)
    loaders = next(iter(Petstore(petstore_spec(Settings("l", "r", "b", load=LOAD), 0)).json_lines()))

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return [(key, shape(inner)) for key, inner in value.items()]
        return type(value)

    ours, theirs = loads(value), loads(loaders)
    del ours["products"], theirs["products"]
    assert shape(ours) == shape(theirs)


def test_a_customers_orders_count_from_0() -> None:
    shop = Shop(LOAD, WHO, 0)
    first, second = Order("CA", 1, (0,)), Order("CA", 2, (0,))
    numbers = [
        shop.transaction(o, shop.customer(o.state, o.customer), 0.0)[0] for o in (first, second, first)
    ]
    assert numbers == [0, 0, 1]


@given(orders, orders)
def test_customers_are_their_numbers_own_and_in_the_process_block(one: Order, other: Order) -> None:
    ids = [SHOP.customer(order.state, order.customer).id for order in (one, other)]
    assert (ids[0] == ids[1]) == ((one.state, one.customer) == (other.state, other.customer))
    base = customer_base(WHO)
    assert all(base <= number < base + MAX_CUSTOMERS for number in ids)


def test_processes_and_loaders_share_no_customers() -> None:
    names = [f"{stem}-{n}" for stem in ("webapp", "data-loader") for n in range(20)]
    identities = [identity(name, incarnation) for name in names for incarnation in (0, 1)]
    assert len({customer_base(who) for who in identities}) == len(identities)
    assert CUSTOMERS * len(STATES) <= MAX_CUSTOMERS


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"state": "CA"},
        {"state": "CA", "customer": 0, "products": []},
        {"state": "CA", "customer": 0, "products": [0] * (MAX_ITEMS + 1)},
        {"state": "CA", "customer": 0, "products": "0"},
        {"state": "CA", "customer": 0, "products": [len(ARTICLES)]},
        {"state": "CA", "customer": 0, "products": [-1]},
        {"state": "CA", "customer": 0, "products": [True]},
        {"state": "CA", "customer": 0, "products": [1.0]},
        {"state": "CA", "customer": 0, "products": ["٣"]},
        {"state": "CA", "customer": CUSTOMERS, "products": [0]},
        {"state": "CA", "customer": None, "products": [0]},
        {"state": "CA", "customer": "9" * 5000, "products": [0]},
        {"state": "XX", "customer": 0, "products": [0]},
        {"state": ["CA"], "customer": 0, "products": [0]},
    ],
)
def test_what_is_no_order_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(NotOrdered):
        SHOP.order(wanted)


def test_numbers_may_be_text_as_in_a_form() -> None:
    assert SHOP.order({"state": "CA", "customer": "7", "products": ["3", 4]}) == Order("CA", 7, (3, 4))
