"""The shop over HTTP: which address shows what, and what a browser and a program are answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from kapture_tui.model.errors import Unreachable
from kapture_tui.workload.webapp import pages
from kapture_tui.workload.webapp.desk import NotTaken, Promise, Receipt
from kapture_tui.workload.webapp.popular import Sold
from kapture_tui.workload.webapp.shop import ARTICLES, MAX_ITEMS, NotOrdered, Order, Shop, price

ANSWER_S = 10.0
"""How long a visitor waits for Kafka's acknowledgement, seconds."""

BODY_BYTES = 16 * 1024
"""No order is longer."""


_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Cache-Control": "no-store",
}
"""Of every page: should markup ever get past the escaping, it could still run and load nothing."""


Endpoint = Callable[[Request], Awaitable[Response]]


class Counter(Protocol):
    """Where orders are handed in; see `Desk`."""

    shop: Shop

    def place(self, order: Order) -> Promise:
        """See `Desk`."""
        ...


class Visits:
    """Counts the requests that were answered; all of them in the server's one thread."""

    def __init__(self) -> None:
        self.count = 0

    def counted(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint, each answer of which is counted, a failure too."""

        async def count(request: Request) -> Response:
            try:
                return await endpoint(request)
            finally:
                self.count += 1

        return count


class Handlers:
    """What is answered at each address.

    Args:
        popular: what sells best in a state; may block, raises Unreachable.
        trouble: why the shop cannot do its work; "" if it can.
    """

    def __init__(
        self, desk: Counter, popular: Callable[[str], list[Sold]], trouble: Callable[[], str]
    ) -> None:
        self._desk = desk
        self._shop = desk.shop
        self._popular = popular
        self._trouble = trouble

    async def home(self, _request: Request) -> Response:
        """The states there are."""
        return _page(pages.home(self._shop.stores))

    async def state(self, request: Request) -> Response:
        """What sells best in one; 503 with everything there is to buy while nobody can tell."""
        state = request.path_params["state"]
        if state not in self._shop.stores:
            raise HTTPException(404, f"There is no store in {state!r}.")
        try:
            sold = await run_in_threadpool(self._popular, state)
        except Unreachable as exc:
            return _page(pages.popular(state, None, str(exc)), HTTPStatus.SERVICE_UNAVAILABLE)
        return _page(pages.popular(state, sold))

    async def product(self, request: Request) -> Response:
        """A product and the form to order it."""
        number = request.path_params["number"]
        if number >= len(ARTICLES):
            raise HTTPException(404, f"There is no product {number}.")
        state = request.query_params.get("state")
        return _page(pages.product(ARTICLES[number], list(self._shop.stores), state))

    async def order(self, request: Request) -> Response:
        """201 once Kafka has acknowledged it; 400 for what is no order, 503 while none is taken."""
        try:
            wanted = self._shop.order(await _wanted(request))
            receipt = await asyncio.wait_for(asyncio.wrap_future(self._desk.place(wanted)), ANSWER_S)
        except NotOrdered as exc:
            return _refusal(request, HTTPStatus.BAD_REQUEST, str(exc))
        except NotTaken as exc:
            return _refusal(request, HTTPStatus.SERVICE_UNAVAILABLE, str(exc))
        except TimeoutError:
            text = f"Kafka has not acknowledged the order within {ANSWER_S:.0f} s; it may still go through."
            return _refusal(request, HTTPStatus.SERVICE_UNAVAILABLE, text)
        return _receipt(request, receipt)

    async def health(self, _request: Request) -> Response:
        """200 while the shop can do its work."""
        text = self._trouble()
        status = HTTPStatus.SERVICE_UNAVAILABLE if text else HTTPStatus.OK
        return PlainTextResponse(f"{text or 'ok'}\n", status)


def application(
    desk: Counter,
    popular: Callable[[str], list[Sold]],
    trouble: Callable[[], str],
    visits: Visits,
) -> Starlette:
    """The shop as an ASGI application.

    Args:
        popular, trouble: see `Handlers`.
        visits: counts what people and shoppers ask for.
    """
    handlers = Handlers(desk, popular, trouble)
    routes = [
        Route("/", visits.counted(handlers.home)),
        Route("/states/{state}", visits.counted(handlers.state)),
        Route("/products/{number:int}", visits.counted(handlers.product)),
        Route("/orders", visits.counted(handlers.order), methods=["POST"]),
        Route("/healthz", handlers.health),
        Route("/ready", handlers.health),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _not_found, Exception: _failed})


async def _wanted(request: Request) -> Mapping[str, Any]:
    """What the body says, a form's or a JSON object. Raises NotOrdered."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES:
                raise NotOrdered("reading an order", f"it is longer than {BODY_BYTES} bytes")
    except ClientDisconnect:
        raise NotOrdered("reading an order", "the visitor has gone") from None
    if _is_form(request):
        return _form(body)
    try:
        wanted = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise NotOrdered("reading an order", str(exc), "send a JSON object or a form") from exc
    if not isinstance(wanted, dict):
        raise NotOrdered("reading an order", "it is no JSON object")
    return wanted


def _form(body: bytes) -> Mapping[str, Any]:
    """A form's fields as `Shop.order` wants them: so many packages of the product. Raises NotOrdered."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=2 * MAX_ITEMS)
    except ValueError as exc:
        raise NotOrdered("reading an order", str(exc)) from exc
    amount = fields.get("amount", ["1"])[0]
    packages = int(amount) if amount in map(str, range(MAX_ITEMS + 1)) else 0
    return {
        "state": fields.get("state", [""])[0],
        "customer": fields.get("customer", [""])[0],
        "products": fields.get("products", []) * packages,
    }


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


def _receipt(request: Request, receipt: Receipt) -> Response:
    if _is_form(request):
        page = pages.ordered(receipt.order, receipt.customer, receipt.number)
        return _page(page, HTTPStatus.CREATED)
    topic, partition = receipt.partition
    told = {
        "customer": receipt.customer.id,
        "order": receipt.number,
        "price": price(receipt.order.cents),
        "topic": topic,
        "partition": partition,
        "offset": receipt.offset,
    }
    return JSONResponse(told, HTTPStatus.CREATED)


def _refusal(request: Request, status: HTTPStatus, text: str) -> Response:
    if _is_form(request):
        return _page(pages.trouble(status, text), status)
    return JSONResponse({"error": text}, status)


def _page(content: bytes, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return HTMLResponse(content, status, _HEADERS)


async def _not_found(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    status = HTTPStatus(exc.status_code)
    return _page(pages.trouble(status, exc.detail), status)


async def _failed(_request: Request, _exc: Exception) -> Response:
    # The server logs it, with its traceback.
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _page(pages.trouble(status, "The shop has failed; its log says why."), status)
