"""What a command prints: the one place that decides how text reaches the terminal.

Text from outside (a model, a file, a device, a name, an error message) may contain characters that
control a terminal or the direction of writing. While a command runs, `sys.stdout` and `sys.stderr`
are `PrintableStream`s, which remove them, so no command can print them by mistake. The full-screen
app draws through `sys.__stderr__`, which is not changed.

A character that the stream's encoding lacks is replaced; a stream that is closed or full ends the
command with one sentence.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from tui_voice.errors import TuiVoiceError
from tui_voice.store.text_normalization import CONTROLS, printable

_SURROGATES = re.compile("[\ud800-\udfff]")


class OutputError(TuiVoiceError):
    """Standard output does not take what a command prints."""


class PrintableStream:
    """A text stream that writes the printable characters of a text to another stream."""

    def __init__(self, stream: TextIO) -> None:
        self._given = stream
        # `redirected_stderr` replaces `sys.__stderr__` for a while, so it is looked up each time.
        self._is_stderr = stream is sys.__stderr__

    @property
    def target(self) -> TextIO:
        """The stream that this one writes to."""
        current = sys.__stderr__ if self._is_stderr else None
        return current or self._given

    def write(self, text: str) -> int:
        """Writes the text without control characters. Raises OutputError, BrokenPipeError."""
        with _reported():
            self.target.write(printable(text))
        return len(text)

    def write_styled(self, text: str) -> None:
        """Writes a text of which the caller made every escape sequence. Raises as `write`."""
        with _reported():
            self.target.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes each line as `write` does."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hands what is buffered to the system. Raises OutputError, BrokenPipeError."""
        with _reported():
            self.target.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(
            f"The output cannot be written: {reason}.", "Make room, or choose another place for it."
        ) from error


@contextmanager
def printable_output() -> Iterator[None]:
    """Makes `sys.stdout` and `sys.stderr` printable streams until the block ends.

    A descriptor that the caller closed (`>&-`) is opened as the null device first: the next file
    that is opened would have its number, and receive what is printed.
    """
    before = sys.stdin, sys.stdout, sys.stderr
    _open_closed_descriptors()
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  # open until Python ends
    sys.stdout = _printable_stream(sys.stdout)
    sys.stderr = _printable_stream(sys.stderr)
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def _printable_stream(stream: TextIO | None) -> TextIO:
    if stream is None:
        stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # open until Python ends
    encoding = (stream.encoding or "utf-8").lower().replace("_", "-")
    # UTF-8 lacks only the bytes of a file name that is not UTF-8: `bad\\udcff.jsonl`.
    errors = "backslashreplace" if encoding.startswith("utf") else "replace"
    with suppress(AttributeError, OSError, ValueError):  # a test's stream cannot be reconfigured
        stream.reconfigure(errors=errors)  # type: ignore[attr-defined]  # TextIO lacks it
    return cast(TextIO, PrintableStream(stream))


def _open_closed_descriptors() -> None:
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is given to a new file: this one.
            os.open(os.devnull, os.O_RDWR)


def print_styled(text: str, *, end: str = "\n") -> None:
    """Prints a text of which the caller made every control character: a coloured plot, a bell."""
    stream: Any = sys.stdout
    if isinstance(stream, PrintableStream):
        stream.write_styled(f"{text}{end}")
    else:
        print(text, end=end)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Prints the value for a program to read; `indent` None: on one line, at once.

    Characters that control a terminal, and those that the output's encoding may lack, are written
    as JSON escapes, so that nothing is lost.
    """
    import json

    is_unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    text = json.dumps(value, indent=indent, ensure_ascii=not is_unicode, default=str)
    sys.stdout.write(f"{escape_controls(text)}\n")  # one write: other threads print lines, too
    if indent is None:
        sys.stdout.flush()


def escape_controls(text: str) -> str:
    """Returns JSON with an escape instead of each control character in its texts."""
    if text.isprintable():
        return text
    escaped = CONTROLS.sub(_json_escape, text)
    return _SURROGATES.sub(_json_escape, escaped)


def _json_escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
