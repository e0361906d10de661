"""What commands print: no control characters, any encoding, an output that is closed or full."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tui_voice.__main__ import main
from tui_voice.cli.output import OutputError, print_json, print_styled, printable_output
from tui_voice.cli.parser import COMMANDS

HOSTILE = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202ered\u2066\rcode"
"""What a model, a device or a file name may contain: a title, a colour, a clear, a reversal."""
needs_posix = pytest.mark.skipif(os.name == "nt", reason="descriptors are closed otherwise there")


def bytes_of(print_it: Callable[[], object]) -> bytes:
    """The bytes that a function prints, on a standard output whose encoding is UTF-8."""
    buffer = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(buffer, "utf-8", write_through=True))
        with printable_output():
            print_it()
        return buffer.getvalue()


def run(*argv: str, shell: str = "", **env: str) -> subprocess.CompletedProcess[bytes]:
    """Runs the program by the shell, which appends `shell` (a redirection) to the command."""
    command = f'"{sys.executable}" -m tui_voice "$@" {shell}'
    return subprocess.run(
        ["/bin/sh", "-c", command, "sh", *argv],
        capture_output=True,
        env=os.environ | env,
        check=False,
    )


def test_printed_text_contains_no_control_character() -> None:
    printed = b"]0;owned[31m2Jredcode\n"
    assert bytes_of(lambda: print(HOSTILE)) == printed
    assert bytes_of(lambda: sys.stdout.writelines([HOSTILE, "\n"])) == printed


def test_json_escapes_control_characters_and_loses_nothing() -> None:
    value = [HOSTILE + "\x7f\ud83d", "家"]
    text = bytes_of(lambda: print_json(value)).decode()
    assert json.loads(text) == value
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "家" in text


def test_styled_text_keeps_its_escape_sequences() -> None:
    assert bytes_of(lambda: print_styled("\x1b[1mbold\x1b[0m")) == b"\x1b[1mbold\x1b[0m\n"


def test_an_output_that_is_full_is_one_sentence() -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", Full())
        with printable_output(), pytest.raises(OutputError, match="no space left on device"):
            print("words")


@needs_posix
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-16"])
@pytest.mark.parametrize("argv", [("sessions", "show", "v1-kyoto-in-april"), ("--help",)])
def test_any_encoding_of_the_output_is_served(encoding: str, argv: tuple[str, ...]) -> None:
    sessions = () if argv == ("--help",) else ("--sessions-dir", "sessions")
    done = run(*argv, *sessions, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout) > 1000


@needs_posix
def test_json_is_read_back_in_any_encoding() -> None:
    argv = ("sessions", "show", "--json", "v1-kyoto-in-april", "--sessions-dir", "sessions")
    assert json.loads(run(*argv, PYTHONIOENCODING="ascii").stdout) == json.loads(run(*argv).stdout)


@needs_posix
@pytest.mark.parametrize(
    ("shell", "status", "says"),
    [
        (">&-", 0, b""),
        ("<&-", 0, b""),
        (">&- 2>&- <&-", 0, b""),
        (">/dev/full", 1, b"no space left on device"),
        (">/dev/full 2>/dev/full", 1, b""),
    ],
)
@pytest.mark.parametrize("argv", [("config",), ("--help",)])
def test_a_closed_output_ends_quietly_and_a_full_one_with_a_sentence(
    argv: tuple[str, ...], shell: str, status: int, says: bytes
) -> None:
    done = run(*argv, shell=shell)
    assert done.returncode == status
    assert says in done.stderr
    assert done.stderr.count(b"\n") == (1 if says else 0)


@needs_posix
def test_a_file_does_not_take_the_place_of_a_closed_output() -> None:
    done = run("sessions", "list", "--sessions-dir", "sessions", shell=">&-")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(run("sessions", "list", "--sessions-dir", "sessions", "--json").stdout)


@pytest.mark.parametrize("command", [*COMMANDS, ""])
def test_every_command_prints_its_errors_without_control_characters(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [command] * bool(command)
    assert main([*argv, f"--wrong{HOSTILE}"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.rstrip("\n").isprintable()
