"""What each line of the public command line means."""

from __future__ import annotations

from pathlib import Path

import pytest

from kapture_tui.cli import settings
from kapture_tui.cli.parse import parse
from kapture_tui.cli.words import Answered
from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component, LoadSpec, StackSpec

REDIS = frozenset({Component.REDIS})


def command(line: str, **env: str) -> settings.Command:
    return parse(line.split(), env).command


def refused(line: str) -> str:
    with pytest.raises(UsageError) as failure:
        command(line)
    return str(failure.value)


def test_nothing_at_all_is_the_console_at_its_setup_screen():
    assert command("") == settings.Console()


def test_a_namespace_and_a_scale_fill_the_setup_screen_in():
    assert command("perf 3 -r") == settings.Console(spec=StackSpec("perf", 3, REDIS))
    assert command("-r perf 3 --yes --keep") == settings.Console(
        spec=StackSpec("perf", 3, REDIS, keep=True), start=True, keep=True
    )


def test_a_namespace_with_delete_is_down():
    assert command("perf --delete") == command("--delete perf") == settings.Down("local", "perf")


def test_a_namespace_with_a_component_and_no_scale_adds_it():
    assert command("perf -r") == settings.Add("local", "perf", REDIS)


def test_up_without_a_time_is_meant_to_stay():
    up = command("up demo 2 -r")
    assert up == settings.Up("local", StackSpec("demo", 2, REDIS, keep=True))


def test_up_for_a_time_is_not():
    up = command("up demo 2 -r --target local --for 60 --drain 30 --json")
    assert up == settings.Up("local", StackSpec("demo", 2, REDIS), 60.0, 30.0, json=True)


def test_a_measured_stack_can_be_kept():
    up = command("up demo 1 --for 5 --keep")
    assert isinstance(up, settings.Up)
    assert up.keep
    assert up.spec.keep


def test_every_option_of_the_load_arrives():
    line = "up demo 1 -s 10 --customers 20 -d 30 --models 4 --rate 2.5 --seed 6 --compat"
    up = command(line)
    assert isinstance(up, settings.Up)
    assert up.spec.load == LoadSpec(10, 20, 30, 4, 2.5, 6, compat=True)


def test_options_may_stand_before_the_command():
    assert parse(["--log-file", "x", "up", "demo", "1"], {}) == settings.Invocation(
        settings.Up("local", StackSpec("demo", 1, keep=True)), Path("x")
    )


@pytest.mark.parametrize(
    "line", ["-s 10 -r perf 1", "-rs 10 perf 1", "-rs10 perf 1", "--stores=10 -r perf 1"]
)
def test_the_value_of_an_option_is_not_taken_for_the_command(line: str):
    assert command(line) == settings.Console(spec=StackSpec("perf", 1, REDIS, LoadSpec(stores=10)))


def test_a_command_wins_over_a_namespace_of_its_name():
    assert command("up up 1") == settings.Up("local", StackSpec("up", 1, keep=True))
    assert command("status attach") == settings.Status("local", "attach")


def test_status():
    assert command("status demo --json") == settings.Status("local", "demo", json=True)
    assert command("status demo --watch 2.5") == settings.Status("local", "demo", watch_s=2.5)


def test_scale_takes_several_components_in_order():
    assert command("scale demo data-loader=5 etl=3") == settings.Scale(
        "local", "demo", ((Component.LOADER, 5), (Component.ETL, 3))
    )


def test_the_loaders_alone_may_be_scaled_to_nothing():
    assert command("scale demo data-loader=0") == settings.Scale("local", "demo", ((Component.LOADER, 0),))
    assert "etl to 0" in refused("scale demo etl=0")


def test_generate():
    assert command("generate") == settings.Generate(LoadSpec())
    assert command("generate -c 7 --seed 3 --count 10 --workers 2") == settings.Generate(
        LoadSpec(customers=7, seed=3), 10, 2
    )


def test_kafka_comes_from_the_environment_unless_brokers_are_named():
    up = command("up demo 1", KAFKA_HOME="/opt/kafka")
    assert isinstance(up, settings.Up)
    assert (up.spec.kafka_home, up.spec.kafka_bootstrap) == ("/opt/kafka", None)
    up = command("up demo 1 --kafka-bootstrap a:1,b:2", KAFKA_HOME="/opt/kafka")
    assert isinstance(up, settings.Up)
    assert (up.spec.kafka_home, up.spec.kafka_bootstrap) == (None, "a:1,b:2")


def test_an_empty_kafka_home_is_none():
    up = command("up demo 1", KAFKA_HOME="")
    assert isinstance(up, settings.Up)
    assert up.spec.kafka_home is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("up demo 0", "scale 0: must be from 1"),
        ("up demo -1", "scale -1"),
        ("up demo x", "scale 'x': must be a whole number"),
        ("demo7 x", "scale 'x'"),
        ("up demo 1.5", "scale '1.5'"),
        ("up demo", "SCALE"),
        ("up Demo 1", "namespace 'Demo': not a DNS label"),
        ("up ../demo 1", "not a DNS label"),
        ("status demo -json", "unrecognized"),
        ("up demo 1 --rate x", "--rate: 'x' must be a number"),
        ("up demo 1 --rate nan", "must be a number"),
        ("up demo 1 --rate 0", "--rate"),
        ("up demo 1 --for -1", "--for: '-1' must be seconds"),
        ("up demo 1 --for inf", "--for"),
        ("up demo 1 --stores 0", "--stores 0: must be 1 or more"),
        ("up demo 1 --sto 3", "--sto"),
        ("up demo 1 --target moon", "--target: invalid choice: 'moon'"),
        ("up demo 1 --redis-url redis://cache", "add its option"),
        ("scale demo", "COMPONENT=N"),
        ("scale demo etl", "'etl': must be COMPONENT=N"),
        ("scale demo etl=many", "etl=many: must be a whole number"),
        ("scale demo web=2", "unknown component 'web'"),
        ("scale demo kafka=2", "kafka: it cannot be scaled"),
        ("completion csh", "unknown shell"),
        ("generate --count 0", "--count: '0' must be 1 or more"),
        ("a 1 b", "'b': one argument too many"),
        ("a 1 --delete", "'1': one argument too many"),
        ("--delete", "NAMESPACE is missing"),
        ("-r", "NAMESPACE and SCALE are missing"),
        ("demo7", "neither a command nor a namespace with its SCALE"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(line: str, says: str):
    assert says in refused(line)


def test_the_shop_comes_with_redis_and_its_shoppers():
    spec = command("up demo 1 -rw --shoppers 3").spec
    assert (spec.has(Component.WEBAPP), spec.has(Component.SHOPPERS), spec.load.shoppers) == (True, True, 3)
    assert "add Redis (-r)" in refused("up demo 1 -w")
    assert "must be 1 or more" in refused("up demo 1 -rw --shoppers 0")


def test_a_mistyped_command_is_recognised():
    assert "did you mean kapture-tui status?" in refused("statsu demo")
    assert "did you mean kapture-tui doctor?" in refused("docter")


@pytest.mark.parametrize("flag", ["--json", "--for 3", "--drain 3"])
def test_the_console_refuses_what_needs_up(flag: str):
    assert "use kapture-tui up" in refused(f"perf 1 {flag}")


@pytest.mark.parametrize("line", ["--version", "up --version", "--help", "-h", "status -h", "up demo --help"])
def test_questions_are_answered_before_anything_is_checked(line: str):
    with pytest.raises(Answered):
        command(line)
