"""`tui-voice` and `python -m tui_voice`: run a command and report a failure in one line."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn, TextIO

from tui_voice.errors import ExitStatus, TuiVoiceError


def program() -> NoReturn:
    """Runs the command line of this process and ends it with the exit status of `main`.

    Where one of `_END_AT_ONCE` was loaded, the process ends at once. Python would take it down
    step by step: threads that still run inside the engines' C libraries crash then, and soxr prints
    which of its objects are left.
    """
    status = main()
    if any(name in sys.modules for name in _END_AT_ONCE):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # a closed pipe, or none
                stream.flush()
        os._exit(status)
    sys.exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status (`errors.ExitStatus`)."""
    # What this program and its libraries write (exports, indexes, caches, temporary files) is for
    # its user alone, whatever the umask was.
    os.umask(0o077)
    from tui_voice import signals
    from tui_voice.cli.output import printable_output

    with printable_output(), signals.raised():
        return _status_of(list(sys.argv[1:] if argv is None else argv))


def _status_of(given: list[str]) -> int:
    debug = _take_debug(given)
    # Garbage collection while modules are imported takes a tenth of the start and finds nothing.
    # The app enables it again once its first session is open, other commands before they run.
    gc.disable()
    try:
        from tui_voice.cli import parser

        try:
            status = parser.run(parser.parse(given))
        finally:  # also after `--help`, which raises SystemExit
            if not isinstance(sys.exception(), KeyboardInterrupt):
                sys.stdout.flush()  # a closed pipe must raise here, not while Python exits
    except KeyboardInterrupt as ended:
        _flush_what_can_be()
        return getattr(ended, "status", ExitStatus.INTERRUPTED)
    except BrokenPipeError:
        _discard_output()
        return ExitStatus.DONE  # a program such as `head` has read enough: that is no failure
    except TuiVoiceError as error:
        _print_error(str(error), error.hint)
        _discard_output(error)
        if debug:
            _write_traceback(error)
        return error.exit_status
    except Exception as error:  # noqa: BLE001  # no traceback may reach the user
        _print_error(*_sentence(error, "" if debug else _DEBUG_HINT))
        if debug:
            _write_traceback(error)
        return ExitStatus.FAILED
    finally:
        gc.enable()
    return status


def _sentence(error: Exception, hint: str) -> tuple[str, str]:
    """Returns what is said of an error that no command reported itself, and its hint."""
    if isinstance(error, OSError) and error.strerror:
        what = error.filename if isinstance(error.filename, str) else "A file or a connection"
        return f"{what} cannot be used: {error.strerror.lower()}.", hint
    if isinstance(error, MemoryError):
        return "There is not enough memory for this.", "Give it less at a time."
    return f"An unexpected {type(error).__name__}: {error}", hint


_END_AT_ONCE = ("tui_voice.server.local.engines", "soxr")
"""The module that loads engines written in C, and the resampler."""
_LONGEST_SENTENCE = 600
"""Characters."""
_DEBUG_HINT = "Run it again with --debug to write the details to a file."


def _take_debug(argv: list[str]) -> bool:
    """Removes `--debug` from the arguments, wherever it stands; returns whether it was there."""
    end = argv.index("--") if "--" in argv else len(argv)
    found = "--debug" in argv[:end]
    argv[:end] = [word for word in argv[:end] if word != "--debug"]
    return found


def _print_error(sentence: str, hint: str = "") -> None:
    """Prints one line, without the line breaks and the API keys that an exception may contain.

    A long sentence, which has a name or a path of thousands of characters, is cut in its middle.
    """
    from tui_voice.cli.output import OutputError
    from tui_voice.config.program_form import in_working_form
    from tui_voice.store.secrets import Redactor

    clean = Redactor().text
    sentence = clean(" ".join(sentence.split()))
    if len(sentence) > _LONGEST_SENTENCE:
        sentence = f"{sentence[: _LONGEST_SENTENCE // 2]}...{sentence[-_LONGEST_SENTENCE // 2 :]}"
    if hint and sentence[-1:] not in ".!?":
        sentence += "."
    line = clean(" ".join(["tui-voice:", sentence, *in_working_form(hint).split()]))
    try:
        print(line, file=sys.stderr, flush=True)
    except (OSError, OutputError):  # standard error is closed or full, too
        _to_null_device(sys.stderr)


def _write_traceback(error: Exception) -> None:
    from tui_voice.cli.crash import write_traceback

    try:
        _print_error(f"Details are in {write_traceback(error)}")
    except OSError as refused:
        _print_error(f"The details could not be written: {refused}.")


def _flush_what_can_be() -> None:
    """Writes what is still buffered, if anybody reads it: the terminal may be gone."""
    from tui_voice.cli.output import OutputError

    try:
        sys.stdout.flush()
    except (OSError, OutputError):
        _discard_output()


def _discard_output(error: Exception | None = None) -> None:
    """Lets output that is still buffered go to the null device when Python exits.

    `error`: why the command ends; None where the reader closed the pipe. Other errors than a
    standard output that takes nothing leave it as it is.
    """
    from tui_voice.cli.output import OutputError

    if error is None or isinstance(error, OutputError):
        _to_null_device(sys.stdout)


def _to_null_device(stream: TextIO) -> None:
    with suppress(OSError):  # a test's stream has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    program()
