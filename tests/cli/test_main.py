"""A failure is reported in one line, and the exit status says of which kind it was."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui_voice.__main__ import main
from tui_voice.cli import config as config_command
from tui_voice.config import log_path
from tui_voice.errors import TuiVoiceError


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(_args: object) -> int:
        raise error

    monkeypatch.setattr(config_command, "run", run)


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (TuiVoiceError("It broke", "Mend it."), 1, "tui-voice: It broke. Mend it.\n"),
        (TuiVoiceError("It broke."), 1, "tui-voice: It broke.\n"),
        (TuiVoiceError("It\nbroke!", "Mend\nit."), 1, "tui-voice: It broke! Mend it.\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_a_failure_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    line: str,
) -> None:
    fail_with(monkeypatch, error)
    assert main(["config"]) == status
    assert capsys.readouterr() == ("", line)


def test_an_unexpected_error_is_one_line_and_debug_writes_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "sk-" + "a1" * 20
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "no-such-form-of-key")
    fail_with(monkeypatch, ZeroDivisionError(f"with {key} and no-such-form-of-key"))
    assert main(["config"]) == 1
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert "--debug" in output
    assert not log_path().exists()

    assert main(["config", "--debug"]) == 1
    output = capsys.readouterr().err
    assert "Traceback" not in output
    assert f"Details are in {log_path()}" in output
    log = log_path().read_text(encoding="utf-8")
    assert "Traceback" in log
    assert "ZeroDivisionError: with [key] and [key]" in log
    assert log_path().stat().st_mode & 0o077 == 0


def test_debug_may_stand_anywhere_before_two_dashes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(monkeypatch, TuiVoiceError("It broke."))
    main(["--debug", "config"])
    assert "Details" in capsys.readouterr().err
    main(["config", "--", "--debug"])
    assert "Details" not in capsys.readouterr().err


def test_a_log_file_that_cannot_be_written_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    (home / "state").write_text("in the way")
    fail_with(monkeypatch, TuiVoiceError("It broke."))
    assert main(["config", "--debug"]) == 1
    assert "could not be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["frobnicate"], 'There is no command "frobnicate"'),
        (["sesions"], "Did you mean sessions?"),
        (["--modell", "x", "config"], "no flag --modell; did you mean --model"),
        (["--xyzzy=3"], "no flag --xyzzy."),
        (["--model"], "--model"),
        (["config", "sow"], "sow"),
        (["config", "--trigger", "x"], 'context.trigger is "x"'),
        (["config", "--profile", "nosuch"], 'no profile "nosuch"'),
    ],
)
def test_wrong_usage_is_one_line_and_exit_status_2(
    capsys: pytest.CaptureFixture[str], argv: list[str], word: str
) -> None:
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert word in err


def test_the_program_runs_as_a_module_and_as_a_command() -> None:
    script = Path(sys.executable).with_name("tui-voice")
    output = [
        subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
        for command in ([script], [sys.executable, "-m", "tui_voice"])
    ]
    assert output[0] == output[1]
    assert output[0].startswith("tui-voice 0.")


def test_help_names_every_command_and_imports_none() -> None:
    code = (
        "import sys\nfrom tui_voice.__main__ import main\n"
        "try: main(['--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        "print(*(m for m in sys.modules if m.startswith('tui_voice.')), file=sys.stderr)\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in ("resume", "sessions", "say", "serve", "replay", "tokens", "simulate", "devices"):
        assert f"\n    {name} " in asked.stdout
    ours, everything = asked.stderr.splitlines()
    allowed = {
        f"tui_voice.{name}"
        for name in ("cli", "cli.parser", "cli.flags", "cli.output", "cli.registry")
    } | {"tui_voice.store", "tui_voice.store.text_normalization"}
    assert {m for m in ours.split() if not m.startswith("tui_voice.config")} <= {
        *allowed,
        "tui_voice.__main__",
        "tui_voice.errors",
        "tui_voice.signals",
    }
    assert not {"textual", "rich", "numpy", "msgspec", "openai"} & set(everything.split())


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close otherwise there")
def test_a_closed_pipe_is_no_failure() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tui_voice", "config"]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_garbage_collection_is_enabled_again_in_any_case(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for argv in (["config", "path"], ["nonsense"], ["config", "show", "--wrong"]):
        main(argv)
        assert gc.isenabled()
    capsys.readouterr()


_HELD = """
import threading
import soxr
from tui_voice import __main__ as entry
def hold():
    stream = soxr.ResampleStream(24_000, 16_000, 1)
    threading.Event().wait()
threading.Thread(target=hold, daemon=True).start()
entry.main = lambda: 3
entry.program()
"""


def test_a_library_prints_nothing_while_the_process_ends() -> None:
    """A thread of the app still has a resampler then: that of the voice detection."""
    ended = subprocess.run([sys.executable, "-c", _HELD], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, b"", b"")
