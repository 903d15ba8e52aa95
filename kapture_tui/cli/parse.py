"""From the words of a command line to one frozen settings value."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kapture_tui.cli import settings
from kapture_tui.cli.commands import BY_NAME, CONSOLE
from kapture_tui.cli.options import CLUSTER, COMPONENTS, SERVERS, Option, whole
from kapture_tui.cli.where import Where, chosen
from kapture_tui.cli.words import Words, first_word, read
from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import (
    CHOICES,
    ClusterSpec,
    Component,
    LoadSpec,
    StackSpec,
    databases,
    refuse_reserved,
)
from kapture_tui.stack.catalogue import CATALOGUE, check_scale


def parse(argv: Sequence[str], env: Mapping[str, str] | None = None) -> settings.Invocation:
    """Read a command line, without the program's name.

    Raises:
        UsageError: what was asked for is not valid.
        Answered: it was a question for the help or the version.
    """
    env = os.environ if env is None else env
    at = first_word(argv)
    line = BY_NAME.get(argv[at]) if at is not None else None
    if at is None or line is None:
        words = read(CONSOLE, argv)
        return _invocation(_console_line(words), words, env)
    words = read(line, [*argv[:at], *argv[at + 1 :]])
    return _invocation(_BUILD[line.name], words, env)


Build = Callable[["_Line"], settings.Command]


class _Line:
    """The words of a line, the environment, and where they mean; that is found out at the first look."""

    def __init__(self, words: Words, env: Mapping[str, str]) -> None:
        self.words = words
        self.env = env
        self.note = ""

    def where(self, running: str | None = None) -> Where:
        """Where a new stack goes, or where a running one is looked for first. Raises UsageError."""
        words = self.words
        found = chosen(words.target, words.kubeconfig, words.context, self.env, running)
        self.note = found.note
        return found

    def place(self, namespace: str, changes: bool = True) -> dict[str, Any]:
        """Target, namespace and connection of a stack that should run. Raises UsageError."""
        StackSpec(namespace).check()
        where = self.where(namespace)
        if changes and where.target != "local":
            refuse_reserved(namespace)
        return {"target": where.target, "namespace": namespace, "connection": where.connection}


def _invocation(build: Build, words: Words, env: Mapping[str, str]) -> settings.Invocation:
    line = _Line(words, env)
    command = build(line)
    return settings.Invocation(command, words.log_file, line.note)


def _console_line(words: Words) -> Build:
    """What a line without a command means: the console, or the three short forms on a namespace."""
    for flag in ("json", "for", "drain"):
        if getattr(words, flag) not in (None, False):
            raise UsageError(f"--{flag}", "goes with a command", "use kapture-tui up NAMESPACE SCALE")
    if words.purge and not words.delete:
        raise UsageError("--purge", "goes with --delete", "or use kapture-tui down NAMESPACE --purge")
    match words.words:
        case []:
            return _bare
        case [namespace] if words.delete:
            return lambda line: _torn_down(line, namespace)
        case [namespace]:
            return lambda line: _added(line, namespace)
        case [namespace, scale] if not words.delete:
            return lambda line: _console(line, namespace, _scale(scale, namespace))
        case [_, *_, more]:
            raise UsageError(repr(more), "one argument too many", "see kapture-tui --help")
    raise AssertionError(words.words)


def _console(line: _Line, namespace: str, scale: int) -> settings.Command:
    words, where = line.words, line.where()
    spec = _spec(words, namespace, scale, line.env, words.keep, where.target)
    return settings.Console(
        where.target, spec, words.yes, keep=words.keep, connection=where.connection, **_look(words)
    )


def _bare(line: _Line) -> settings.Command:
    words = line.words
    if words.delete:
        raise UsageError("--delete", "NAMESPACE is missing", "name the stack: kapture-tui NAMESPACE --delete")
    if _chosen(words) or words.yes:
        raise UsageError("NAMESPACE and SCALE are missing", remedy="name the stack: kapture-tui pets 1 -r")
    # The first minute is on this machine, whatever clusters a kubeconfig has.
    named = words.target or words.context is not None or words.kubeconfig is not None
    where = line.where() if named else Where("local")
    return settings.Console(where.target, keep=words.keep, connection=where.connection, **_look(words))


def _look(words: Words) -> dict[str, Any]:
    return {
        "readonly": words.readonly,
        "theme": words.theme,
        "plain": words.plain,
        "record": not words.no_record,
    }


def _added(line: _Line, namespace: str) -> settings.Command:
    words, components = line.words, _chosen(line.words)
    if not components:
        raise UsageError(
            f"{namespace!r}",
            "neither a command nor a namespace with its SCALE",
            _meant(namespace) or f"use kapture-tui {namespace} 1 or kapture-tui attach {namespace}",
        )
    place = line.place(namespace)
    if place["target"] == "local":
        _refuse_for_local(words)
    return settings.Add(components=components, yes=words.yes, **place)


def _meant(word: str) -> str:
    """The command a mistyped word is close to, as a remedy; "" if there is none."""
    import difflib

    close = difflib.get_close_matches(word, list(BY_NAME), 1)
    return f"did you mean kapture-tui {close[0]}?" if close else ""


def _up(line: _Line) -> settings.Command:
    words, where = line.words, line.where()
    run_s = getattr(words, "for")
    # Without --for the stack is meant to outlive this process from the start.
    keep = words.keep or run_s is None
    spec = _spec(words, words.namespace, _scale(words.scale), line.env, keep, where.target)
    return settings.Up(
        where.target,
        spec,
        run_s,
        words.drain,
        words.json,
        words.keep,
        words.purge,
        where.connection,
        words.yes,
        not words.no_record,
    )


def _attach(line: _Line) -> settings.Command:
    words = line.words
    place = line.place(words.namespace, changes=False)
    return settings.Attach(**_look(words), **place)


def _status(line: _Line) -> settings.Command:
    words = line.words
    place = line.place(words.namespace, changes=False)
    return settings.Status(json=words.json, watch_s=words.watch, record=not words.no_record, **place)


def _demo(line: _Line) -> settings.Command:
    return settings.Demo(line.words.theme, not line.words.no_record)


def _replay(line: _Line) -> settings.Command:
    words = line.words
    exports = [name for name in ("json", "csv", "svg") if getattr(words, name)]
    if len(exports) > 1:
        raise UsageError(
            f"--{exports[0]} and --{exports[1]}", "one export at a time", "leave one of them out"
        )
    if words.output and not exports:
        raise UsageError("-o/--output", "goes with an export", "add --json, --csv or --svg")
    return settings.Replay(
        words.file,
        words.at,
        words.speed,
        words.plain,
        words.theme,
        exports[0] if exports else None,
        words.size,
        words.output,
    )


def _scaled(line: _Line) -> settings.Command:
    words = line.words
    replicas = tuple(map(_replicas, getattr(words, "component=n")))
    return settings.Scale(replicas=replicas, yes=words.yes, **line.place(words.namespace))


def _down(line: _Line) -> settings.Command:
    return _torn_down(line, line.words.namespace)


def _torn_down(line: _Line, namespace: str) -> settings.Command:
    return settings.Down(purge=line.words.purge, yes=line.words.yes, **line.place(namespace))


def _render(line: _Line) -> settings.Command:
    words = line.words
    if words.output is None:
        raise UsageError("-o DIR is missing", remedy="name the directory to write to")
    spec = _spec(words, words.namespace, _scale(words.scale), line.env, False, "kubernetes")
    return settings.Render(spec, words.output, tuple(dict.fromkeys(words.architecture or ("amd64",))))


def _generate(line: _Line) -> settings.Command:
    words = line.words
    load = _load(words)
    load.check()
    return settings.Generate(load, words.count, words.workers)


def _bench(line: _Line) -> settings.Command:
    words = line.words
    where = Where("simulated") if words.simulate else line.where()
    scale = _scale(words.scale)
    on = "local" if words.simulate else where.target
    spec = _spec(words, words.namespace, scale, line.env, False, on)
    scales = tuple(dict.fromkeys((scale, *(words.scales or ()))))
    _check_bench(words, where.target, scales)
    return settings.Bench(
        where.target,
        spec,
        budget_min=words.budget,
        p99_s=words.p99,
        repeats=1 if words.heartbeat else words.repeats,
        scales=scales,
        minus_one=words.minus_one,
        auto_loaders=words.auto_loaders,
        heartbeat=words.heartbeat,
        rule=words.rule,
        price_per_hour=words.price_per_hour,
        simulate=words.simulate,
        resume=words.resume,
        folder=words.results,
        with_names=words.with_names,
        json=words.json,
        connection=where.connection,
        yes=words.yes,
        plain=words.plain,
        theme=words.theme,
    )


def _check_bench(words: Words, target: str, scales: tuple[int, ...]) -> None:
    """Raises UsageError for what cannot go together."""
    if words.repeats < 3:
        raise UsageError(f"--repeats {words.repeats}", "fewer than 3 say nothing about how sure a score is")
    if words.deploy_webapp:
        raise UsageError("-w", "shoppers send what no trial has asked for", "leave it out")
    if words.scales and len(scales) < 3:
        raise UsageError(f"--scales {','.join(map(str, scales))}", "a curve needs three scales or more")
    if words.minus_one and (target != "kubernetes" or min(scales) < 3):
        raise UsageError("--minus-one", "needs three brokers", "use scale 3 or more on a cluster")
    if words.simulate and (flag := _given_any(words, ("minus_one", "auto_loaders", "scales"))):
        raise UsageError(
            flag, "a simulated cluster has neither loaders nor brokers nor scales", "leave it out"
        )
    others = _given_any(words, ("minus_one", "auto_loaders", "scales")) or words.rule != "capacity"
    if words.heartbeat and others:
        raise UsageError("--heartbeat", "it is one deployment under one load", "leave the other options out")


def _given_any(words: Words, names: Sequence[str]) -> str:
    return next((f"--{name.replace('_', '-')}" for name in names if getattr(words, name)), "")


def _results(line: _Line) -> settings.Command:
    words, known = line.words, BY_NAME["results"]
    wanted = {"list": 0, "show": 1, "compare": 2}
    if words.action not in wanted:
        raise UsageError(f"results {words.action}", "unknown", f"choose from {', '.join(known.choices)}")
    if len(words.result) != wanted[words.action]:
        raise UsageError(
            f"results {words.action}",
            f"wants {wanted[words.action]} results, {len(words.result)} are named",
            "kapture-tui results list shows all",
        )
    return settings.Results(
        words.action, tuple(words.result), words.results, words.json, words.plot, words.svg, words.html
    )


def _doctor(line: _Line) -> settings.Command:
    words, where = line.words, line.where()
    named = words.target or words.context is not None or words.kubeconfig is not None
    return settings.Doctor(where.target if named else None, where.connection)


def _completion(line: _Line) -> settings.Command:
    known, shell = BY_NAME["completion"], line.words.shell
    if shell not in (*known.choices, *known.hidden):
        raise UsageError(
            f"completion for {shell!r}", "unknown shell", f"choose from {', '.join(known.choices)}"
        )
    return settings.Completion(shell)


_BUILD: dict[str, Build] = {
    "up": _up,
    "attach": _attach,
    "status": _status,
    "demo": _demo,
    "replay": _replay,
    "scale": _scaled,
    "down": _down,
    "render": _render,
    "generate": _generate,
    "bench": _bench,
    "results": _results,
    "doctor": _doctor,
    "completion": _completion,
}


def _scale(text: str, namespace: str = "") -> int:
    try:
        return whole(text)
    except ValueError as exc:
        raise UsageError(f"scale {text!r}", str(exc), _meant(namespace)) from None


def _spec(
    words: Words, namespace: str, scale: int, env: Mapping[str, str], keep: bool, target: str
) -> StackSpec:
    if target == "local":
        _refuse_for_local(words)
        spec = _local_spec(words, env)
    else:
        _refuse_for_cluster(words)
        refuse_reserved(namespace)
        spec = StackSpec(namespace, cluster=_cluster(words))
    spec = replace(
        spec, namespace=namespace, scale=scale, components=_chosen(words), load=_load(words), keep=keep
    )
    spec.check()
    return spec


def _local_spec(words: Words, env: Mapping[str, str]) -> StackSpec:
    bootstrap = words.kafka_bootstrap
    return StackSpec(
        "",
        kafka_bootstrap=bootstrap,
        kafka_home=None if bootstrap else env.get("KAFKA_HOME") or None,
        urls=_urls(words),
    )


def _cluster(words: Words) -> ClusterSpec:
    return ClusterSpec(
        storage=words.storage,
        storage_class=words.storage_class,
        redis_count=words.redis_count,
        kustomize=str(words.kustomize) if words.kustomize else None,
        image=words.image,
        registry=words.registry,
        pull_secret=words.pull_secret,
        node_selector=tuple(words.node_selector or ()),
        tolerations=tuple(words.toleration or ()),
        cpu_limits=words.cpu_limits,
    )


def _refuse_for_local(words: Words) -> None:
    if words.prometheus:
        raise UsageError(
            "-p/--prometheus",
            "this machine runs no Prometheus",
            "leave it out, the observer's /metrics is there to be scraped, or use --target kubernetes",
        )
    if flag := _given(words, CLUSTER.options):
        raise UsageError(flag, "this machine is no cluster", "leave it out, or add --target kubernetes")


def _refuse_for_cluster(words: Words) -> None:
    if flag := _given(words, SERVERS.options):
        raise UsageError(
            flag, "a stack on a cluster brings its own", "leave it out, or add --target local to run here"
        )


def _given(words: Words, options: Sequence[Option]) -> str:
    """The first of the options that is on the line; "" if none is."""
    return next(
        (o.flags[-1] for o in options if getattr(words, o.name, o.default) not in (o.default, None, False)),
        "",
    )


def _load(words: Words) -> LoadSpec:
    return LoadSpec(
        stores=words.stores,
        customers=words.customers,
        days=words.days,
        models=words.models,
        rate=getattr(words, "rate", None),
        seed=words.seed,
        compat=words.compat,
        shoppers=getattr(words, "shoppers", LoadSpec().shoppers),
    )


def _chosen(words: Words) -> frozenset[Component]:
    switches = {
        option.component for option in COMPONENTS.options if option.component and getattr(words, option.name)
    }
    return frozenset(switches | {_outside(text)[0] for text in words.sink or ()})


def _outside(text: str) -> tuple[Component, str]:
    """The database and the URL ("" for none) of a `--sink NAME=URL`. Raises UsageError."""
    name, _, url = text.partition("=")
    known = [database.value for database in databases() if database not in CHOICES]
    if name not in known:
        raise UsageError(
            f"--sink {name}",
            "no installed package adds a database of that name",
            f"one of {', '.join(known)}" if known else "see docs/adding-a-database.md",
        )
    return Component(name), url


def _urls(words: Words) -> dict[str, str]:
    """Where databases are that need not be started. Raises UsageError for one that the stack has not."""
    urls = {database.value: url for database, url in map(_outside, words.sink or ()) if url}
    for database in databases():
        flag = f"--{database.value}-url"
        if url := getattr(words, f"{database.value}_url", None):
            if database not in _chosen(words):
                raise UsageError(flag, f"the stack has no {database.value}", "add its option, see --help")
            urls[database.value] = url
    return urls


def _replicas(text: str) -> tuple[Component, int]:
    name, equals, count = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r}", "must be COMPONENT=N", "for example data-loader=3")
    component = _named(name)
    try:
        replicas = whole(count)
    except ValueError as exc:
        raise UsageError(f"{name}={count}", str(exc), "for example data-loader=3") from None
    check_scale(component, replicas)
    return component, replicas


def _named(name: str) -> Component:
    try:
        return Component(name)
    except ValueError:
        known = ", ".join(component.value for component, entry in CATALOGUE.items() if entry.scalable)
        raise UsageError(f"unknown component {name!r}", remedy=f"scale one of {known}") from None
