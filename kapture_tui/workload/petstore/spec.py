"""What is to be generated."""

from __future__ import annotations

from dataclasses import dataclass

from kapture_tui.model.errors import UsageError
from kapture_tui.workload.petstore.purchasing import Purchasing


@dataclass(frozen=True, slots=True)
class PetstoreSpec:
    """Parameters of the model.

    Attributes:
        stores: how many; drawn from the seed alone, so all loaders of a run share them.
        customers: how many; they have the ids customer_base, customer_base + 1, …
        days: simulated days; transactions have times from 0 up to, but not including, this.
        models: purchasing models the customers are spread over; drawn from the seed alone.
        seed: any whole number.
        compat: products as names of their fields only.
        purchasing: "dynamic" (what is bought depends on what was bought before) or "static".
        customer_base: id of the first customer, so that loaders need not share any.
        stream: a name mixed into everything that is drawn for a customer (a loader's name, say).

    Raises UsageError: a figure is out of range.
    """

    stores: int = 250
    customers: int = 5000
    days: float = 2500
    models: int = 1
    seed: int = 1
    compat: bool = False
    purchasing: Purchasing = "dynamic"
    customer_base: int = 0
    stream: str = ""

    def __post_init__(self) -> None:
        for name in ("stores", "customers", "models"):
            if getattr(self, name) < 1:
                raise UsageError(f"generating with {getattr(self, name)} {name}", "must be 1 or more")
        if not 0 < self.days < float("inf"):
            raise UsageError(f"generating {self.days} days", "must be more than 0")
        if self.customer_base < 0:
            raise UsageError(f"numbering customers from {self.customer_base}", "must be 0 or more")
        if self.purchasing not in ("dynamic", "static"):
            raise UsageError(f"purchasing model {self.purchasing!r}", "unknown", "use dynamic or static")
