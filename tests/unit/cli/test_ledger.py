"""What the last snapshot of a run proves."""

from __future__ import annotations

import pytest

from kapture_tui.cli import ledger
from kapture_tui.model.errors import IntegrityViolated, KaptureError
from kapture_tui.model.ledger import GroupLedger, Ledger, RestockLedger
from kapture_tui.model.snapshot import GroupLag, KafkaView, Snapshot, TopicView


def snapshot(**faults: int) -> Snapshot:
    return Snapshot(
        ledger=Ledger(10, 10, groups={"etl": GroupLedger(10), "etl-redis": GroupLedger(10, **faults)})
    )


def test_a_drained_run_without_faults_passes():
    ledger.check(snapshot(redelivered=3, reordered=2, recovered=1), drained=True, drain_s=120)


@pytest.mark.parametrize("fault", ["lost", "duplicated", "unexpected"])
@pytest.mark.parametrize("drained", [True, False])
def test_one_message_wrong_in_any_group_fails(fault: str, drained: bool):
    with pytest.raises(IntegrityViolated, match=f"etl-redis: 1 {fault}"):
        ledger.check(snapshot(**{fault: 1}), drained, drain_s=120)


def test_what_is_not_drained_failed_and_says_who_is_behind():
    view = KafkaView(total=TopicView(groups={"etl": GroupLag(0), "etl-redis": GroupLag(1204)}))
    slow = Snapshot(ledger=Ledger(groups={"etl": GroupLedger(10)}), kafka=view)
    with pytest.raises(KaptureError, match="etl-redis is 1,204 records behind") as failure:
        ledger.check(slow, drained=False, drain_s=5)
    assert failure.value.exit_code == 1
    assert "etl is" not in str(failure.value)


def test_no_ledger_is_a_failure_with_its_reason():
    with pytest.raises(KaptureError, match="observer is gone"):
        ledger.check(Snapshot(unavailable={"observer": "observer is gone"}), drained=True, drain_s=5)


def test_the_table_fits_80_columns():
    group = GroupLedger(123_456_789, 0, 0, 123_456, 0, 0, 0)
    lines = ledger.lines(Ledger(123_456_789, 123_456_789, 0, 0, {"etl-redis": group}))
    assert [line for line in lines if len(line) > 80] == []


def with_restocks(**counts: int) -> Ledger:
    back = RestockLedger(7, 7, groups={"etl": GroupLedger(7, **counts)})
    return Ledger(123_456_789, 123_456_789, groups={"etl-redis": GroupLedger(123_456_789)}, restock=back)


def test_what_the_spout_brings_back_has_lines_of_its_own():
    lines = ledger.lines(with_restocks(duplicated=3))
    assert lines[1] == "restocks attempted 7  acknowledged 7  expired 0"
    assert lines[-1].split() == ["restock", "7", "0", "3", "0", "0", "0", "0"]
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("fault", ["lost", "unexpected"])
def test_a_restock_may_come_twice_and_must_not_be_missing(fault: str):
    ledger.check(Snapshot(ledger=with_restocks(duplicated=3)), drained=True, drain_s=5)
    with pytest.raises(IntegrityViolated, match=f"restock: 2 {fault}"):
        ledger.check(Snapshot(ledger=with_restocks(**{fault: 2})), drained=True, drain_s=5)
