"""The shop's pages. Names come out of a database that anybody may have written to: they are text, never markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from kapture_tui.workload.petstore.customers import Customer
from kapture_tui.workload.petstore.stores import Store
from kapture_tui.workload.webapp.html import Content, Html, element, together
from kapture_tui.workload.webapp.popular import Sold
from kapture_tui.workload.webapp.shop import ARTICLES, BY_NAME, CUSTOMERS, MAX_ITEMS, Article, Order, price

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 0 auto; padding: 1rem; }
header a { font-weight: 600; text-decoration: none; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
ul.states { columns: 6rem; padding: 0; list-style: none; }
ul.states a { display: inline-block; padding: .1rem 0; }
form { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 1rem; align-items: center; max-width: 28rem; }
form button { grid-column: 2; justify-self: start; padding: .4rem 1.2rem; font: inherit; }
input, select { font: inherit; padding: .2rem; }
p.trouble { border-left: 4px solid #c33; padding-left: .75rem; }
"""


Attributes = dict[str, str | int | None]


def page(title: str, *content: Content) -> bytes:
    """A whole page."""
    head = together(
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} - Kapture pet store"),
        element("style", Html(_STYLE)),
    )
    header = element("header", element("a", "Kapture pet store", href="/"))
    body = element("body", header, element("main", element("h1", title), *content))
    return f"<!doctype html>\n{element('html', element('head', head), body, lang='en')}\n".encode()


def home(stores: Mapping[str, Sequence[Store]]) -> bytes:
    """The states that have a store."""
    links = [element("li", element("a", state, href=_state_path(state))) for state in stores]
    count = sum(map(len, stores.values()))
    return page(
        "Where do you shop?",
        element("p", f"{count} stores in {len(stores)} states."),
        element("ul", *links, class_="states"),
    )


def popular(state: str, sold: Sequence[Sold] | None, trouble: str = "") -> bytes:
    """What sells best in a state, then everything there is; `sold` is None where that is not known, for `trouble`."""
    return page(
        f"Popular in {state}",
        _best_sellers(state, sold, trouble),
        element("h2", "Everything we sell"),
        _table(state, [(article.name, article, "") for article in ARTICLES], ""),
    )


def _best_sellers(state: str, sold: Sequence[Sold] | None, trouble: str) -> Html:
    if sold is None:
        return element("p", f"What is popular is not known now: {trouble}", class_="trouble")
    if not sold:
        return element("p", "Nothing has been sold here yet.")
    return _table(state, [(name, BY_NAME.get(name), f"{count:,.0f}") for name, count in sold], "sold")


def _table(state: str, rows: Sequence[tuple[str, Article | None, str]], last: str) -> Html:
    """Products by name; one that is not ours to sell has neither a link nor a price."""
    head = element("tr", element("th", "product"), _number("th", "price"), _number("th", last))
    return element("table", head, *(_row(state, *row) for row in rows))


def _row(state: str, name: str, article: Article | None, last: str) -> Html:
    link = element("a", name, href=f"/products/{article.number}?state={state}") if article else name
    return element(
        "tr",
        element("td", link),
        _number("td", price(article.cents) if article else ""),
        _number("td", last),
    )


def _number(name: str, text: str) -> Html:
    return element(name, text, class_="n")


def product(article: Article, states: Sequence[str], state: str | None) -> bytes:
    """A product with what there is to know of it, and the form to order it."""
    facts = [
        element(
            "tr",
            element("th", name.replace("_", " ")),
            element("td", f"{value:g}" if isinstance(value, float) else value),
        )
        for name, value in article.fields.items()
    ]
    return page(
        article.name,
        element("p", f"{price(article.cents)} a package"),
        element("table", *facts),
        element("h2", "Order"),
        order_form(article, states, state),
    )


def order_form(article: Article, states: Sequence[str], state: str | None) -> Html:
    """What a person fills in; `state` is chosen already if it is one of them."""
    options = [element("option", name, selected="" if name == state else None) for name in states]
    amount: Attributes = {"type": "number", "min": 1, "max": MAX_ITEMS, "value": 1, "required": ""}
    number: Attributes = {"type": "number", "min": 0, "max": CUSTOMERS - 1, "value": 0, "required": ""}
    return element(
        "form",
        element("input", type="hidden", name="products", value=article.number),
        element("label", "Store in", for_="state"),
        element("select", *options, id="state", name="state"),
        element("label", "Packages", for_="amount"),
        element("input", id="amount", name="amount", **amount),
        element("label", "Customer number", for_="customer"),
        element("input", id="customer", name="customer", **number),
        element("button", "Order", type="submit"),
        method="post",
        action="/orders",
    )


def ordered(order: Order, customer: Customer, number: int) -> bytes:
    """Thanks for an order that Kafka has; `number` is the customer's transaction."""
    names = [element("li", ARTICLES[product].name) for product in order.products]
    store = customer.store
    return page(
        "Thank you",
        element(
            "p",
            f"{customer.first_name} {customer.last_name} (customer {customer.id}) has ordered from {store.name} in "
            f"{store.location.city}, {store.location.state}. This is order {number}; it costs {price(order.cents)}.",
        ),
        element("ul", *names),
        element("p", element("a", f"Popular in {order.state}", href=_state_path(order.state))),
    )


def trouble(status: HTTPStatus, text: str) -> bytes:
    """Why there is nothing else to show."""
    return page(status.phrase, element("p", text, class_="trouble"))


def _state_path(state: str) -> str:
    return f"/states/{state}"
