"""From the words of a command line to one frozen settings value."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from kapture_tui.cli import help as texts
from kapture_tui.cli import settings
from kapture_tui.cli.commands import BY_NAME, COMMANDS, CONSOLE, CommandLine
from kapture_tui.cli.options import Option, whole
from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.stack.catalogue import CATALOGUE, check_scale

Words = argparse.Namespace


class Answered(Exception):
    """The line asked for a text, the help or the version, and here it is."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def parse(argv: Sequence[str], env: Mapping[str, str] | None = None) -> settings.Invocation:
    """Read a command line, without the program's name.

    Raises:
        UsageError: what was asked for is not valid, or not available in this release.
        Answered: it was a question for the help or the version.
    """
    env = os.environ if env is None else env
    at = _first_word(argv)
    line = BY_NAME.get(argv[at]) if at is not None else None
    if at is None or line is None:
        return _invocation(_console_line(_read(CONSOLE, argv), env))
    if line.later:
        raise UsageError(line.name, "not available in this release", line.later)
    words = _read(line, [*argv[:at], *argv[at + 1 :]])
    return _invocation((_BUILD[line.name](words, env), words))


def _first_word(argv: Sequence[str]) -> int | None:
    """Where the first argument stands that is neither an option nor the value of one."""
    at = 0
    while at < len(argv):
        if not argv[at].startswith("-") or argv[at] == "-":
            return at
        if argv[at] == "--":
            return None
        at += 2 if _wants_next(argv[at]) else 1
    return None


def _wants_next(argument: str) -> bool:
    """Whether the value of this option, or of the last one of combined short ones, is the next argument."""
    if argument.startswith("--"):
        return argument in _VALUED
    for at, letter in enumerate(argument[1:], 2):
        if f"-{letter}" in _VALUED:
            return at == len(argument)
    return False


_VALUED = frozenset(
    flag
    for line in (CONSOLE, *COMMANDS)
    for group in line.groups
    for option in group.options
    if option.metavar
    for flag in option.flags
)


class _Parser(argparse.ArgumentParser):
    """argparse that raises instead of printing and exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message.removeprefix("argument "), remedy=f"see {self.prog} --help")


def _read(line: CommandLine, argv: Sequence[str]) -> Words:
    prog = f"kapture-tui {line.name}".rstrip()
    parser = _Parser(prog=prog, add_help=False, allow_abbrev=False)
    for option in (option for group in line.groups for option in group.options):
        _add(parser, option, line)
    # The console's words are optional and may stand among the options: `-r demo 2`, `demo --delete`.
    if not line.name:
        parser.add_argument("words", nargs="*", metavar="NAMESPACE SCALE")
        return parser.parse_intermixed_args(list(argv))
    for word in line.words:
        name, many = word.rstrip("…"), word.endswith("…")
        parser.add_argument(
            name.lower(), metavar=name, choices=line.choices or None, nargs="+" if many else None
        )
    return parser.parse_args(list(argv))


def _add(parser: argparse.ArgumentParser, option: Option, line: CommandLine) -> None:
    common: dict[str, Any] = {"dest": option.name, "default": option.default}
    if option.later:
        takes = 1 if option.metavar else 0
        parser.add_argument(*option.flags, action=_Refuse, nargs=takes, why=option.later)
    elif option.name in ("help", "version"):
        answer = texts.version if option.name == "version" else (lambda: texts.of(line))
        parser.add_argument(*option.flags, action=_Answer, nargs=0, answer=answer)
    elif option.metavar:
        read = _typed(option.parse)
        parser.add_argument(
            *option.flags, type=read, choices=option.choices or None, metavar=option.metavar, **common
        )
    else:
        parser.add_argument(*option.flags, action="store_true", dest=option.name)


def _typed(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def checked(text: str) -> Any:
        try:
            return read(text)
        except ValueError as exc:
            raise argparse.ArgumentTypeError(f"{text!r} {exc}") from None

    return checked


class _Refuse(argparse.Action):
    """An option of a later release."""

    def __init__(self, *args: Any, why: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.why = why

    def __call__(self, parser: Any, namespace: Words, values: Any, flag: str | None = None) -> None:
        cause, _, remedy = self.why.partition("; ")
        raise UsageError(flag or self.option_strings[0], cause, remedy)


class _Answer(argparse.Action):
    """An option that asks for a text."""

    def __init__(self, *args: Any, answer: Callable[[], str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answer = answer

    def __call__(self, parser: Any, namespace: Words, values: Any, flag: str | None = None) -> None:
        raise Answered(self.answer())


def _invocation(parsed: tuple[settings.Command, Words]) -> settings.Invocation:
    command, words = parsed
    return settings.Invocation(command, words.log_file)


def _console_line(words: Words, env: Mapping[str, str]) -> tuple[settings.Command, Words]:
    """What a line without a command means: the console, or the three short forms on a namespace."""
    given: list[str] = words.words
    if len(given) > 2:
        raise UsageError(f"{given[2]!r}", "one argument too many", "see kapture-tui --help")
    for flag in ("json", "for"):
        if getattr(words, flag) not in (None, False):
            raise UsageError(
                f"--{flag}", "the console has no use for it", "use kapture-tui up NAMESPACE SCALE"
            )
    if not given:
        return _bare(words), words
    if words.delete:
        return settings.Down(_target(words), _namespace(given[0])), words
    if len(given) == 2:
        spec = _spec(words, given[0], _scale(given[1], given[0]), env, words.keep)
        return settings.Console(
            _target(words), spec, words.yes, words.readonly, words.keep, words.theme
        ), words
    return _added(words, given[0]), words


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
