"""`tui-voice` and `python -m tui_voice`: run a command and report a failure in one line."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from tui_voice.errors import TuiVoiceError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    given = list(sys.argv[1:] if argv is None else argv)
    debug = _take_debug(given)
    # Garbage collection while modules are imported takes a tenth of the start and finds nothing.
    # The app enables it again after the first paint, other commands before they run.
    gc.disable()
    try:
        from tui_voice.cli import parser

        status = parser.run(parser.parse(given))
        sys.stdout.flush()  # a closed pipe must raise here, not while Python exits
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _ignore_closed_pipe()
    except TuiVoiceError as error:
        _print_error(str(error), error.hint)
        if debug:
            _write_traceback(error)
        return error.exit_status
    except Exception as error:  # noqa: BLE001  # no traceback may reach the user
        _print_error(f"An unexpected {type(error).__name__}: {error}", "" if debug else _DEBUG_HINT)
        if debug:
            _write_traceback(error)
        return 1
    finally:
        gc.enable()
    return status


_DEBUG_HINT = "Run it again with --debug to write the details to a file."


def _take_debug(argv: list[str]) -> bool:
    """Removes `--debug` from the arguments, wherever it stands; returns whether it was there."""
    end = argv.index("--") if "--" in argv else len(argv)
    found = "--debug" in argv[:end]
    argv[:end] = [word for word in argv[:end] if word != "--debug"]
    return found


def _print_error(sentence: str, hint: str = "") -> None:
    """Prints one line, without the line breaks and the API keys that an exception may contain."""
    from tui_voice.store.secrets import Redactor

    sentence = " ".join(sentence.split())
    if hint and sentence[-1:] not in ".!?":
        sentence += "."
    line = " ".join(["tui-voice:", sentence, *hint.split()])
    print(Redactor().text(line), file=sys.stderr)


def _write_traceback(error: Exception) -> None:
    from tui_voice.cli.crash import write_traceback

    try:
        _print_error(f"Details are in {write_traceback(error)}")
    except OSError as refused:
        _print_error(f"The details could not be written: {refused}.")


def _ignore_closed_pipe() -> int:
    """Returns the exit status where a program such as `head` closed the pipe: it is no failure.

    Output that is still buffered must not be flushed into the closed pipe when Python exits.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
