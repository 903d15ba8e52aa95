"""Quantities as Kubernetes writes them: "250m" of a core, "1Gi" of memory, "1e3" of anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([KMGTPE]i|[numkMGTPE])?)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}

LEAST = 1e-6
"""Two quantities that differ by less are the same: binary fractions do not add up to the last bit."""


def quantity(text: str | int | float) -> float:
    """The number a quantity stands for: cores, bytes or pieces. Raises ValueError.

    See https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
    """
    match = _QUANTITY.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a quantity")
    number, exponent, suffix = match.groups()
    if suffix in _BINARY:
        return float(Decimal(number) * (1 << _BINARY[suffix]))
    return float(Decimal(number).scaleb(int(exponent or 0) or _DECIMAL.get(suffix, 0)))


def quantities(amounts: Mapping[str, Any] | None) -> dict[str, float]:
    """The numbers of several, by resource; without those that are null. Raises ValueError."""
    return {name: quantity(amount) for name, amount in (amounts or {}).items() if amount is not None}


def shown(resource: str, amount: float) -> str:
    """An amount of a resource for a person: "0.25 cores", "1.5 GiB", "12"."""
    kind = resource.removeprefix("requests.").removeprefix("limits.")
    if kind == "cpu":
        return f"{_rounded(amount, 3)} cores"
    if kind in ("memory", "storage", "ephemeral-storage") or kind.startswith("hugepages-"):
        large = abs(amount) >= 1 << 30
        return f"{_rounded(amount / 2**30, 2)} GiB" if large else f"{_rounded(amount / 2**20, 0)} MiB"
    return _rounded(amount, 3)


def _rounded(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
