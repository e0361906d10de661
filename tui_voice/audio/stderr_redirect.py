"""Keeping what sound libraries print away from the screen.

ALSA, JACK, PulseAudio and PortAudio write to file descriptor 2 whenever they please; `import
sounddevice` even points descriptor 2 at /dev/null for a moment. Textual draws through that very
descriptor (on Linux and macOS to `sys.__stderr__`), so both the noise and the moment of silence
would tear the screen. Hence the full-screen program draws through a copy of the descriptor:

    with redirected_stderr(log):          # before the App is made, and around App.run()
        MyApp().run()

A command without a screen that plays or captures may do the same. Where devices are only listed,
`silence_library_noise()`, called once and before any sound, is enough.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_kept_alive: list[object] = []
"""ALSA keeps the pointer to our handler, so the handler must live as long as the process."""


def silence_library_noise() -> None:
    """Ask the libraries themselves to be quiet; harmless where they are missing."""
    _ask_servers()
    if not sys.platform.startswith("linux") or _kept_alive:
        return
    # (file, line, function, error number, format, …): the C compiler's variable arguments that
    # follow are not read, so a handler of the five fixed ones is enough.
    import ctypes  # some milliseconds, and before the first picture nobody needs it

    kind = ctypes.CFUNCTYPE(
        None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
    )
    handler = kind(_ignore)
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(handler)
        _kept_alive.append(handler)


def _ask_servers() -> None:
    """What the sound servers' own libraries read when they are loaded."""
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    os.environ.setdefault("JACK_NO_AUDIO_RESERVATION", "1")
    os.environ.setdefault("PULSE_LOG", "0")  # errors only


@contextmanager
def redirected_stderr(log: Path | None = None) -> Iterator[None]:
    """Give Python a terminal of its own, and everything else that writes to descriptor 2 `log`.

    Inside, `sys.stderr` and `sys.__stderr__` write to a copy of the descriptor 2 there was;
    descriptor 2 itself is `log` (appended to), or nothing. Restored on leaving. A program that
    is started inside and needs the terminal must be given it: `stderr=sys.__stderr__`.
    """
    _ask_servers()  # whatever is said all the same goes to the log
    before, before_dunder = sys.stderr, sys.__stderr__
    if before_dunder is None:  # a Windows program without a console
        yield
        return
    before_dunder.flush()
    terminal = os.dup(2)
    sink = os.open(log or os.devnull, os.O_WRONLY | (os.O_APPEND | os.O_CREAT if log else 0), 0o600)
    own = open(  # noqa: SIM115  # closed below, after descriptor 2 is itself again
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
        own.close()
        os.close(terminal)
        os.close(sink)


def _ignore(_file: bytes, _line: int, _function: bytes, _error: int, _form: bytes) -> None:
    """ALSA's complaint, unheard."""
