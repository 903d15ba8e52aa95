"""Every public figure has a metric, and every metric that rules and the dashboard ask for exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.snapshot import ObserverReport
from kapture_tui.resources import manifests_dir
from kapture_tui.workload.observer.database_metrics import FIGURES
from kapture_tui.workload.observer.report import Published
from tests.unit.observer.test_metrics import FULL, scrape

ROUTE = {"per_s": 7.0, "errors_per_s": 0.5, "latency_ms": {"p50": 8.0, "p99": 90.0, "max": None}}
EVERYTHING = replace(
    FULL,
    **{part: dict.fromkeys(figures, 1.5) for part, figures in FIGURES.items()} | {"webapp": {"routes": {"/": ROUTE}}},
)  # fmt: skip
EVERYTHING = replace(EVERYTHING, elasticsearch={**EVERYTHING.elasticsearch, "health": "green"})  # type: ignore[dict-item]

COMPONENT = manifests_dir() / "components" / "prometheus"
NAME = re.compile(r"\bkapture[a-z0-9_:]*")


def queries() -> Iterator[str]:
    for panel in json.loads((COMPONENT / "kapture.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def rules() -> list[dict[str, str]]:
    (group,) = yaml.safe_load((COMPONENT / "rules.yml").read_text())["groups"]
    return list(group["rules"])


def exported() -> set[str]:
    return {name for name, _ in scrape(Published(EVERYTHING, {"etl": Histogram.of([5])}, {"kafka": True}))}


def test_rules_and_dashboard_ask_for_what_there_is() -> None:
    there = exported()
    for rule in rules():
        assert set(NAME.findall(rule["expr"])) <= there, rule["record"]
    for query in queries():
        names = set(NAME.findall(query))
        assert names
        assert names <= there, query


def test_there_are_rules_for_lag_rates_and_latency() -> None:
    recorded = {rule["record"] for rule in rules()}
    assert len(recorded) == len(rules())
    for topic in ("lag", "rate", "latency"):
        assert any(topic in name for name in recorded)


def test_every_public_figure_is_exported_and_shown_as_known_or_not_at_all() -> None:
    samples = scrape(Published(EVERYTHING))
    for part, figures in FIGURES.items():
        for name, figure in figures.items():
            assert figure.metric.startswith(f"kapture_{part}_"), name
            labels = ((figure.label, "green"),) if figure.label else ()
            assert samples[figure.metric, labels] == (1 if figure.label else 1.5)
    assert len({figure.metric for figures in FIGURES.values() for figure in figures.values()}) == sum(
        map(len, FIGURES.values())
    )


def test_routes_have_rates_and_latencies_in_seconds() -> None:
    samples = scrape(Published(EVERYTHING))
    route = ("route", "/")
    assert samples["kapture_webapp_requests_per_second", (route,)] == 7
    assert samples["kapture_webapp_errors_per_second", (route,)] == 0.5
    latency = "kapture_webapp_latency_seconds"
    latencies = {labels: value for (name, labels), value in samples.items() if name == latency}
    assert latencies == {(("quantile", "0.5"), route): 0.008, (("quantile", "0.99"), route): 0.09}


@pytest.mark.parametrize(
    "told", [None, {}, {"docs": None, "health": None, "index_per_s": "many"}, {"docs": True}]
)
def test_what_is_not_known_has_no_sample(told: Any) -> None:
    names = {name for name, _ in scrape(Published(replace(ObserverReport("", 1), elasticsearch=told)))}
    assert not any("elasticsearch" in name for name in names)


def test_figures_from_outside_are_labels() -> None:
    nasty = 'x"} 1\nkapture_fake 2'
    report = replace(ObserverReport("", 1), databases={nasty: {"lines": 3}}, mongo={"later": 4})
    samples = scrape(Published(report))
    assert samples["kapture_database_figure", (("database", nasty), ("figure", "lines"))] == 3
    assert samples["kapture_database_figure", (("database", "mongo"), ("figure", "later"))] == 4
    assert not any(name == "kapture_fake" for name, _ in samples)
