"""Redirects what sound libraries print on standard error, so that it does not reach the screen.

ALSA, JACK, PulseAudio and PortAudio write to file descriptor 2 at any time, and `import
sounddevice` points descriptor 2 at /dev/null for a moment. Textual draws through that descriptor
(on Linux and macOS by `sys.__stderr__`), so both would corrupt the screen. The full-screen program
therefore draws through a copy of the descriptor:

    with redirected_stderr(log):          # before the App is made, and around App.run()
        MyApp().run()

Commands without a screen that open or list devices do the same.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def _set_library_variables() -> None:
    """Sets the environment variables by which sound libraries start no server and print less."""
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    os.environ.setdefault("JACK_NO_AUDIO_RESERVATION", "1")
    os.environ.setdefault("PULSE_LOG", "0")  # errors only


@contextmanager
def redirected_stderr(log: Path | None = None) -> Iterator[None]:
    """Gives Python a copy of the terminal; other output to descriptor 2 goes to `log`.

    Inside, `sys.stderr` and `sys.__stderr__` write to a copy of the former descriptor 2;
    descriptor 2 itself is `log` (appended to), or /dev/null. All is restored on leaving. A child
    process that needs the terminal gets it by `stderr=sys.__stderr__`.
    """
    _set_library_variables()  # what they print nevertheless goes to the log
    before, before_dunder = sys.stderr, sys.__stderr__
    if before_dunder is None:  # a Windows program without a console
        yield
        return
    before_dunder.flush()
    terminal = os.dup(2)
    sink = os.open(log or os.devnull, os.O_WRONLY | (os.O_APPEND | os.O_CREAT if log else 0), 0o600)
    own = open(  # noqa: SIM115  # closed below, after descriptor 2 is restored
        terminal,
        "w",
        encoding=before_dunder.encoding,
        errors=before_dunder.errors,
        buffering=1,  # by lines, as standard error is
        closefd=False,
    )
    try:
        os.dup2(sink, 2)
        sys.__stderr__ = own  # type: ignore[misc]  # final for type checkers, not for Textual
        if before is before_dunder:
            sys.stderr = own
        yield
    finally:
        with suppress(OSError, ValueError):  # the terminal was closed
            own.flush()
        os.dup2(terminal, 2)
        sys.stderr, sys.__stderr__ = before, before_dunder  # type: ignore[misc]  # as above
        with suppress(OSError):  # what the terminal did not take, while it was there, is lost
            own.close()
        os.close(terminal)
        os.close(sink)
