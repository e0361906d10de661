"""Flags: each sets its setting, before or after the name of the command."""

from argparse import Namespace
from pathlib import Path

import pytest

from tui_voice.cli import parser
from tui_voice.cli.flags import sessions_dir_of, settings_of
from tui_voice.config.model import all_settings

SETTABLE = {setting.flag: setting for setting in all_settings().values() if setting.flag}


def test_without_a_command_the_app_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Namespace] = []

    class App:
        @staticmethod
        def run(args: Namespace) -> int:
            calls.append(args)
            return 7

    def load(name: str) -> type[App]:
        assert name == "tui_voice.cli.app"
        return App

    monkeypatch.setattr(parser, "import_module", load)
    for argv in ([], ["--continue"], ["resume"], ["resume", "abc"]):
        assert parser.run(parser.parse(argv)) == 7
    assert [(a.command, a.id, a.continue_last) for a in calls] == [
        (None, None, False),
        (None, None, True),
        ("resume", None, False),
        ("resume", "abc", False),
    ]


@pytest.mark.parametrize("argv", [["--keep", "3", "resume"], ["resume", "--keep", "3"]])
def test_a_flag_may_precede_or_follow_the_command(argv: list[str]) -> None:
    assert settings_of(parser.parse(argv)).context.keep == 3


def test_the_value_of_a_flag_may_be_the_name_of_a_command() -> None:
    """So may the arguments of a command: only the first word is the command."""
    assert settings_of(parser.parse(["--model", "say", "config", "show"])).backend.model == "say"
    args = parser.parse(["--model=say", "resume", "config"])
    assert (args.command, args.id) == ("resume", "config")


def test_the_documented_flags_exist() -> None:
    assert set(SETTABLE) >= {
        *("--backend", "--model", "--voice", "--text", "--input-device", "--output-device"),
        *("--trigger", "--keep"),
    }


def test_every_flag_sets_its_setting() -> None:
    given = {
        "--backend": "local",
        "--policy": "thrift",
        "--trigger": "9",
        "--keep": "9",
        "--speed": "1.5",
        "--llm-url": "http://h/v1",
    }
    given |= {"--tts": "http://h/v1", "--llm-path": "model.gguf"}
    for flag, setting in SETTABLE.items():
        argv = [flag] if setting.default is False else [flag, given.get(flag, "word")]
        settings = settings_of(parser.parse(argv))
        assert settings.origin(setting.key) == flag
        assert settings.value(setting.key) != setting.default


def test_the_folder_of_the_sessions_can_be_named(home: Path) -> None:
    assert sessions_dir_of(parser.parse(["--sessions-dir", "x", "resume"])) == Path("x")
    assert sessions_dir_of(parser.parse([])) == home / "data" / "tui-voice" / "sessions"


def test_flags_cannot_be_abbreviated() -> None:
    """Otherwise a new flag could change what an abbreviation in a script means."""
    with pytest.raises(parser.UsageError):
        parser.parse(["--mod", "x"])
