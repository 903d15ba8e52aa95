"""Run one command line: parse, call, turn whatever goes wrong into one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapture_tui.cli import settings
from kapture_tui.cli.output import complain, note, plain_streams, silence_stdout
from kapture_tui.cli.parse import parse
from kapture_tui.cli.words import Answered
from kapture_tui.model.errors import KaptureError

if TYPE_CHECKING:
    from pathlib import Path

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (`None`: this process' own) and return its exit code."""
    plain_streams()
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        # Whoever read our output has enough (`| head`): that is no failure.
        silence_stdout()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except KaptureError as exc:
        _log_failure()
        complain(str(exc))
        return exc.exit_code
    except OSError as exc:
        _log_failure()
        complain(": ".join(filter(None, (exc.filename, exc.strerror or str(exc)))))
        return 1
    except Exception as exc:
        _log_failure()
        complain(_unforeseen(exc))
        return 1


def _run(argv: Sequence[str]) -> int:
    try:
        invocation = parse(argv)
    except Answered as answer:
        print(answer.text, flush=True)
        return 0
    if invocation.log_file:
        from kapture_tui.cli.logfile import open_log

        open_log(invocation.log_file, argv)
    if invocation.note:
        note(invocation.note)
    code = call(invocation.command, invocation.log_file)
    sys.stdout.flush()
    return code


def call(command: settings.Command, log_file: Path | None = None) -> int:
    """Do what one settings value asks for. Modules are imported when their command is called: most lines need one."""
    match command:
        case settings.Console() | settings.Attach():
            from kapture_tui.cli import console

            return console.run(command, log_file)
        case settings.Demo():
            from kapture_tui.cli import console

            return console.demo(command)
        case settings.Up():
            from kapture_tui.cli import up

            return up.run(command)
        case settings.Status():
            from kapture_tui.cli import status

            return status.run(command)
        case settings.Replay():
            from kapture_tui.cli import replay

            return replay.run(command)
        case settings.Render():
            from kapture_tui.cli import render

            return render.run(command)
        case settings.Generate():
            from kapture_tui.cli import generate

            return generate.run(command)
        case settings.Bench():
            from kapture_tui.cli import bench

            return bench.run(command)
        case settings.Results():
            from kapture_tui.cli import results

            return results.run(command)
        case settings.Doctor():
            from kapture_tui.cli import doctor

            return doctor.run(command)
        case settings.Completion():
            from kapture_tui.cli import completion

            return completion.run(command)
        case settings.Add() | settings.Scale() | settings.Down():
            from kapture_tui.cli import change

            return change.run(command)


def _log_failure() -> None:
    import logging

    logging.getLogger(__name__).debug("failed", exc_info=True)


def _unforeseen(exc: Exception) -> str:
    return f"{type(exc).__name__}: {exc} (a fault of kapture-tui: --log-file FILE keeps the details)"
