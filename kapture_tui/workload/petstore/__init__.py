"""BigPetStore: a model of customers with dogs and cats, their stores, and what they buy there.

Standard library only, as it runs wherever there is a bare Python.
"""

from __future__ import annotations

from kapture_tui.workload.petstore.loader_stream import LoaderStream
from kapture_tui.workload.petstore.petstore import Petstore, Transaction, generate, merge_shares
from kapture_tui.workload.petstore.spec import PetstoreSpec

__all__ = ["LoaderStream", "Petstore", "PetstoreSpec", "Transaction", "generate", "merge_shares"]
