"""How thoroughly one can search in a given time, and how long it will take."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from kapture_tui.bench.judge import Objectives
from kapture_tui.bench.search import Plan
from kapture_tui.model.errors import UsageError

LEAST_STAIRS = 10
"""With fewer trials around the limit, noise of 10 % gives a deviation of more than 4 %."""

MOST_STAIRS = 40
USUAL_MIN, USUAL_EACH_MIN = 90.0, 15.0
"""The default of --budget, for all deployments together and, if that is more, for each of them."""

BRIEF = Plan(explore_s=5.0, stair_s=8.0, confirm_s=20.0)
"""The shortest trials that show whether lag grows."""


def plan_for(minutes: float, deployments: int, deploy_s: float, objectives: Objectives) -> Plan:
    """The most thorough plan that fits.

    Args:
        minutes: for all deployments together.
        deploy_s: what a deployment and its removal take.

    Raises: UsageError: nothing useful fits; says how long it would take.
    """
    seconds = minutes * 60 / deployments
    usual = replace(Plan(), objectives=objectives, deploy_s=deploy_s)
    brief = replace(BRIEF, objectives=objectives, deploy_s=deploy_s)
    for plan in (usual, brief):
        stairs = MOST_STAIRS
        while stairs >= LEAST_STAIRS:
            fitting = replace(plan, stairs=stairs)
            if fitting.seconds <= seconds:
                return fitting
            stairs -= 1
    least = replace(brief, stairs=LEAST_STAIRS).seconds * deployments / 60
    raise UsageError(
        f"--budget {minutes:g}",
        f"{deployments} deployments take at least {ceil(least)} minutes",
        "give it more, or ask for fewer --repeats",
    )
