"""From the words of a command line to one frozen settings value."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from kapture_tui.cli import settings
from kapture_tui.cli.commands import BY_NAME, COMMANDS, CONSOLE
from kapture_tui.cli.options import whole
from kapture_tui.cli.words import Words, first_word, read
from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.stack.catalogue import CATALOGUE, check_scale


def parse(argv: Sequence[str], env: Mapping[str, str] | None = None) -> settings.Invocation:
    """Read a command line, without the program's name.

    Raises:
        UsageError: what was asked for is not valid, or not available in this release.
        Answered: it was a question for the help or the version.
    """
    env = os.environ if env is None else env
    at = first_word(argv)
    line = BY_NAME.get(argv[at]) if at is not None else None
    if at is None or line is None:
        words = read(CONSOLE, argv)
        return settings.Invocation(_console_line(words, env), words.log_file)
    if line.later:
        raise UsageError(line.name, "not available in this release", line.later)
    words = read(line, [*argv[:at], *argv[at + 1 :]])
    return settings.Invocation(_BUILD[line.name](words, env), words.log_file)


def _console_line(words: Words, env: Mapping[str, str]) -> settings.Command:
    """What a line without a command means: the console, or the three short forms on a namespace."""
    for flag in ("json", "for", "drain"):
        if getattr(words, flag) not in (None, False):
            raise UsageError(f"--{flag}", "goes with a command", "use kapture-tui up NAMESPACE SCALE")
    match words.words:
        case []:
            return _bare(words)
        case [namespace] if words.delete:
            return settings.Down(_target(words), _namespace(namespace))
        case [namespace]:
            return _added(words, namespace)
        case [namespace, scale] if not words.delete:
            spec = _spec(words, namespace, _scale(scale, namespace), env, words.keep)
            return settings.Console(_target(words), spec, words.yes, words.readonly, words.keep, words.theme)
        case [_, *_, more]:
            raise UsageError(repr(more), "one argument too many", "see kapture-tui --help")
    raise AssertionError(words.words)


def _bare(words: Words) -> settings.Command:
    if words.delete:
        raise UsageError("--delete", "NAMESPACE is missing", "name the stack: kapture-tui NAMESPACE --delete")
    if _chosen(words) or words.yes:
        raise UsageError("NAMESPACE and SCALE are missing", remedy="name the stack: kapture-tui pets 1 -r")
    return settings.Console(_target(words), readonly=words.readonly, keep=words.keep, theme=words.theme)


def _added(words: Words, namespace: str) -> settings.Command:
    chosen = _chosen(words)
    if not chosen:
        raise UsageError(
            f"{namespace!r}",
            "neither a command nor a namespace with its SCALE",
            _meant(namespace) or f"use kapture-tui {namespace} 1 or kapture-tui attach {namespace}",
        )
    return settings.Add(_target(words), _namespace(namespace), chosen)


def _meant(word: str) -> str:
    """The command a mistyped word is close to, as a remedy; "" if there is none."""
    import difflib

    close = difflib.get_close_matches(word, [line.name for line in COMMANDS if not line.later], 1)
    return f"did you mean kapture-tui {close[0]}?" if close else ""


def _up(words: Words, env: Mapping[str, str]) -> settings.Command:
    run_s = getattr(words, "for")
    # Without --for the stack is meant to outlive this process from the start.
    spec = _spec(words, words.namespace, _scale(words.scale), env, keep=words.keep or run_s is None)
    return settings.Up(_target(words), spec, run_s, words.drain, words.json, words.keep)


def _attach(words: Words, env: Mapping[str, str]) -> settings.Command:
    return settings.Attach(_target(words), _namespace(words.namespace), words.readonly, words.theme)


def _status(words: Words, env: Mapping[str, str]) -> settings.Command:
    return settings.Status(_target(words), _namespace(words.namespace), words.json, words.watch)


def _scaled(words: Words, env: Mapping[str, str]) -> settings.Command:
    replicas = tuple(map(_replicas, getattr(words, "component=n")))
    return settings.Scale(_target(words), _namespace(words.namespace), replicas)


def _down(words: Words, env: Mapping[str, str]) -> settings.Command:
    return settings.Down(_target(words), _namespace(words.namespace))


def _generate(words: Words, env: Mapping[str, str]) -> settings.Command:
    load = _load(words)
    load.check()
    return settings.Generate(load, words.count, words.workers)


def _doctor(words: Words, env: Mapping[str, str]) -> settings.Command:
    return settings.Doctor()


def _completion(words: Words, env: Mapping[str, str]) -> settings.Command:
    line = BY_NAME["completion"]
    if words.shell not in (*line.choices, *line.hidden):
        raise UsageError(
            f"completion for {words.shell!r}", "unknown shell", f"choose from {', '.join(line.choices)}"
        )
    return settings.Completion(words.shell)


_BUILD: dict[str, Callable[[Words, Mapping[str, str]], settings.Command]] = {
    "up": _up,
    "attach": _attach,
    "status": _status,
    "scale": _scaled,
    "down": _down,
    "generate": _generate,
    "doctor": _doctor,
    "completion": _completion,
}


def _target(words: Words) -> str:
    target: str = words.target
    if target != "local":
        raise UsageError(
            f"--target {target}", "not available in this release", "leave it out to run on this machine"
        )
    return target


def _namespace(text: str) -> str:
    StackSpec(text).check()
    return text


def _scale(text: str, namespace: str = "") -> int:
    try:
        return whole(text)
    except ValueError as exc:
        raise UsageError(f"scale {text!r}", str(exc), _meant(namespace)) from None


def _spec(words: Words, namespace: str, scale: int, env: Mapping[str, str], keep: bool) -> StackSpec:
    if words.redis_url and Component.REDIS not in _chosen(words):
        raise UsageError("--redis-url", "the stack has no Redis", "add -r")
    bootstrap = words.kafka_bootstrap
    spec = StackSpec(
        namespace=namespace,
        scale=scale,
        components=_chosen(words),
        load=_load(words),
        kafka_bootstrap=bootstrap,
        kafka_home=None if bootstrap else env.get("KAFKA_HOME") or None,
        redis_url=words.redis_url,
        keep=keep,
    )
    spec.check()
    return spec


def _load(words: Words) -> LoadSpec:
    return LoadSpec(
        stores=words.stores,
        customers=words.customers,
        days=words.days,
        models=words.models,
        rate=getattr(words, "rate", None),
        seed=words.seed,
        compat=words.compat,
    )


def _chosen(words: Words) -> frozenset[Component]:
    return frozenset({Component.REDIS} if words.deploy_redis else ())


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
