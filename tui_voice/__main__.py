"""`tui-voice` and `python -m tui_voice`: run a command; whatever fails is said in one line."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from tui_voice.errors import TuiVoiceError


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    given = list(sys.argv[1:] if argv is None else argv)
    debug = _take_debug(given)
    # Collecting garbage while modules are loaded costs a tenth of the start, and finds none. The
    # app turns it on again after its first picture, other commands as they begin.
    gc.disable()
    try:
        from tui_voice.cli import parser

        status = parser.run(parser.parse(given))
        sys.stdout.flush()  # a closed pipe must show here, not while Python ends
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _reader_left()
    except TuiVoiceError as error:
        _say(str(error), error.hint)
        if debug:
            _write_traceback(error)
        return error.exit_status
    except Exception as error:  # noqa: BLE001  # the last stop: no traceback reaches a user
        _say(f"An unexpected {type(error).__name__}: {error}", "" if debug else _DEBUG_HINT)
        if debug:
            _write_traceback(error)
        return 1
    finally:
        gc.enable()
    return status


_DEBUG_HINT = "Run it again with --debug to keep the details in a file."


def _take_debug(argv: list[str]) -> bool:
    """Take `--debug` from wherever it stands, so that each command knows it."""
    end = argv.index("--") if "--" in argv else len(argv)
    found = "--debug" in argv[:end]
    argv[:end] = [word for word in argv[:end] if word != "--debug"]
    return found


def _say(sentence: str, hint: str = "") -> None:
    """One line, whatever line breaks an exception's text has; and no key that it may quote."""
    from tui_voice.store.secrets import Redactor

    sentence = " ".join(sentence.split())
    if hint and sentence[-1:] not in ".!?":
        sentence += "."
    line = " ".join(["tui-voice:", sentence, *hint.split()])
    print(Redactor().text(line), file=sys.stderr)


def _write_traceback(error: Exception) -> None:
    from tui_voice.cli.crash import write_traceback

    try:
        _say(f"Details are in {write_traceback(error)}")
    except OSError as refused:
        _say(f"The details could not be written: {refused}.")


def _reader_left() -> int:
    """Whoever read our output, `head` for one, has had enough: that is no failure.

    What is still buffered must not be flushed into the closed pipe when Python ends.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
