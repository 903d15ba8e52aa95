"""The terminal as Textual drives it, with some habits of its own."""

from __future__ import annotations

import os
import select
import sys
from codecs import getincrementaldecoder
from typing import Protocol

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from kapture_tui.tui import spelling
from kapture_tui.tui.answers import ASK_READY, READY, Ear

TICK_S = 0.1
"""How long an escape sequence may take to come whole."""


class Listener(Protocol):
    """What the app lends an ear with. Called in the reader's thread.

    Attributes:
        typed_before: what was typed before the console began to read.
        answer_due: something was asked then, and the answer may come yet.
    """

    typed_before: str
    answer_due: bool

    def terminal_is_new(self) -> None:
        """The terminal has been taken, or has another size. In the app's thread."""

    def terminal_ready(self) -> None:
        """All that was sent before a question has been drawn."""

    def terminal_says(self, answer: str) -> None:
        """Take any other answer."""


class Terminal(LinuxDriver):
    """Writes to standard output, in ASCII where need be, resumes only what was suspended, and can be asked.

    Textual writes to standard error, which people send to a file: the console would be invisible. And it takes every
    SIGCONT for the end of a suspension; the kernel sends one after each SIGHUP, and a second reader would be started on
    the dead terminal, which nobody ever stops.
    """

    def __init__(self, listener: Listener, **options: object) -> None:
        super().__init__(listener, **options)  # type: ignore[arg-type]
        self._file = sys.__stdout__
        self._ascii = spelling.ascii_wanted()
        self._ear = Ear()
        self._listener = listener
        self._ear.awaited = listener.answer_due

    def write(self, data: str) -> None:
        """Send text and control sequences to the terminal, in ASCII where its locale wants that."""
        super().write(spelling.spelled(data) if self._ascii else data)

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self._listener.terminal_is_new()
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def _sigtstp_application(self, *signal: object) -> None:
        # Later, in the loop: the signal may have interrupted a write, which holds the lock that a farewell would want.
        self._loop.call_soon_threadsafe(super()._sigtstp_application, *signal)

    def _sigcont_application(self, *signal: object) -> None:
        if self._must_signal_resume:
            super()._sigcont_application(*signal)

    def ask(self) -> None:
        """Ask for a sign of life behind all that was written."""
        self._ear.awaited = True
        self.write(ASK_READY)

    def run_input_thread(self) -> None:
        """Read what is typed, and hand on what the terminal answers."""
        parser, decode = XTermParser(self._debug), getincrementaldecoder("utf-8")("replace").decode
        typed = self._listener.typed_before
        while not self.exit_event.is_set():
            for event in parser.feed(typed) if typed else ():
                self.process_message(event)
            if select.select([self.fileno], [], [], TICK_S)[0]:
                data = decode(os.read(self.fileno, 4096))
                typed = self._hear(data) if data else ""
            else:
                typed = self._ear.give_up()
            for event in parser.tick():
                self.process_message(event)

    def _hear(self, data: str) -> str:
        typed, answers = self._ear.hear(data)
        for answer in answers:
            self._ear.awaited = False
            if answer == READY:
                self._listener.terminal_ready()
            else:
                self._listener.terminal_says(answer)
        return typed

    def switch_mouse(self) -> bool:
        """Report the mouse to us, or leave it to the terminal; return whether it is reported now."""
        if self._mouse:
            self._disable_mouse_support()
        self._mouse = not self._mouse
        self._enable_mouse_support()
        return self._mouse
