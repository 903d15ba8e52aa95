"""What a run's last Snapshot proves, as a table and as an exit code."""

from __future__ import annotations

from kapture_tui.cli import figures
from kapture_tui.cli.output import table
from kapture_tui.model.errors import IntegrityViolated, KaptureError
from kapture_tui.model.ledger import GroupLedger, Ledger, faults, verdicts
from kapture_tui.model.snapshot import Snapshot

_COLUMNS = ("delivered", "lost", "duplicated", "redelivered", "reordered", "recovered", "unexpected")


def lines(ledger: Ledger) -> list[str]:
    """The ledger for a terminal of 80 columns."""
    sent = f"attempted {ledger.attempted:,}  acknowledged {ledger.acked:,}  indeterminate {ledger.indeterminate:,}"
    head = ["group", "delivered", "lost", "duplic.", "redeliv.", "reorder.", "recover.", "unexpect."]
    rows = [[name, *_figures(group)] for name, group in verdicts(ledger).items()]
    back = ledger.restock
    restocks = (
        [f"restocks attempted {back.attempted:,}  acknowledged {back.acked:,}  expired {back.expired:,}"]
        if back
        else []
    )
    return [f"{sent}  expired {ledger.expired:,}", *restocks, *table(head, rows)]


def _figures(group: GroupLedger) -> list[str]:
    return [f"{getattr(group, column):,}" for column in _COLUMNS]


def check(snapshot: Snapshot, drained: bool, drain_s: float) -> None:
    """Return when the run proved that everything acknowledged arrived once.

    Args:
        snapshot: the last one.
        drained: the consumers read all there was within `drain_s` seconds.

    Raises:
        IntegrityViolated: messages were lost, written twice or came from nowhere.
        KaptureError: not drained, or there is no ledger to tell by.
    """
    ledger = snapshot.ledger
    if ledger is None:
        reason = (
            snapshot.unavailable.get("ledger") or snapshot.unavailable.get("observer") or "no reason given"
        )
        raise KaptureError("reading the ledger", reason, "see the log of the observer")
    found = [f"{name}: {count:,} {fault}" for name, fault, count in faults(ledger)]
    if found:
        raise IntegrityViolated("checking the ledger", "; ".join(found))
    if not drained:
        raise KaptureError(
            f"draining for {drain_s:g} s", _behind(snapshot), "give it more time with --drain SECONDS"
        )


def _behind(snapshot: Snapshot) -> str:
    groups = snapshot.kafka.total.groups if snapshot.kafka else {}
    behind = [
        f"{name} is {figures.whole(view.lag)} records behind"
        for name, view in groups.items()
        if view.lag != 0
    ]
    return "; ".join(behind) or "the loaders have not finished"
