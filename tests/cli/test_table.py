"""Tables that commands print: aligned on a terminal, and never cut in a pipe."""

import subprocess
import sys

import pytest

from tui_voice.cli.table import table


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output is a terminal of 30 columns."""
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)


def test_columns_are_aligned_and_no_line_ends_with_a_blank() -> None:
    text = table([("name", "n"), ("a", "10"), ("longer", "")], right=[1])
    assert text.splitlines() == ["  name     n", "  a       10", "  longer"]


def test_no_rows_make_no_text() -> None:
    assert table([]) == ""


def test_wide_characters_take_two_columns() -> None:
    text = table([("京都", "x"), ("abc", "x")], indent=0)
    assert text.splitlines() == ["京都  x", "abc   x"]


def test_brackets_and_colons_are_printed_as_they_are() -> None:
    assert table([("[bold]a[/bold] [profiles.p]", ":smile:")], indent=0) == (
        "[bold]a[/bold] [profiles.p]  :smile:"
    )


def test_in_a_pipe_a_line_is_never_wrapped() -> None:
    assert table([("id", "word " * 500)]).count("\n") == 0


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_the_flexible_column_is_wrapped() -> None:
    lines = table([("2026-01-01", "a title of several words")], indent=0).splitlines()
    assert lines == ["2026-01-01  a title of several", "            words"]


@pytest.mark.usefixtures("terminal")
def test_a_table_contains_no_escape_sequence() -> None:
    assert "\x1b" not in table([("a", "b")])


@pytest.mark.parametrize("rows", [[("a", "1"), ("longer", "22")], [("京都", "1"), ("b", "22")]])
def test_both_ways_to_print_a_table_agree(
    rows: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Narrow text is aligned without rich, which takes half of the time of a short command."""
    printed = table(rows, right=[1])
    monkeypatch.setattr("tui_voice.cli.table._plain_lines", lambda *_: None)
    assert table(rows, right=[1]) == printed


def test_commands_that_print_narrow_text_do_not_wait_for_rich() -> None:
    code = (
        "import sys\nfrom tui_voice.__main__ import main\nassert main(['config', 'show']) == 0\n"
        "assert main(['sessions', 'list', '--sessions-dir', 'sessions']) == 0\n"
        "sys.exit('rich' in sys.modules or 'textual' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
