"""Random streams that depend on what they are for and on nothing else.

Every thing that is drawn has a generator of its own, derived from the run's seed, the purpose and the number of
the thing. So a customer's transactions are the same whichever process draws them, and in whatever order: the
output does not depend on the number of workers.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random


def derive(seed: int, purpose: str, *parts: int | str) -> Random:
    """The generator of one purpose.

    It is the Mersenne Twister seeded with BLAKE2b-128 of the parts, each written as its representation in Python
    and ended by a zero byte: no two tuples of whole numbers and texts are written alike.

    Args:
        seed: the run's.
        purpose: what is drawn ("store", "customer", …).
        parts: which one, for instance a loader's name and a customer's number.
    """
    text = "".join(f"{part!r}\0" for part in (seed, purpose, *parts))
    return Random(int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big"))
