"""Flags: the same before and after a command's name, and each sets what it says."""

from argparse import Namespace
from pathlib import Path

import pytest

from tui_voice.cli import parser
from tui_voice.cli.flags import sessions_dir_of, settings_of
from tui_voice.config.groups import specs

SETTABLE = {spec.flag: spec for spec in specs().values() if spec.flag}


def test_no_command_means_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Namespace] = []

    class App:
        @staticmethod
        def run(args: Namespace) -> int:
            seen.append(args)
            return 7

    def load(name: str) -> type[App]:
        assert name == "tui_voice.cli.app"
        return App

    monkeypatch.setattr(parser, "import_module", load)
    for argv in ([], ["--continue"], ["resume"], ["resume", "abc"]):
        assert parser.run(parser.parse(argv)) == 7
    assert [(a.command, a.id, a.continue_last) for a in seen] == [
        (None, None, False),
        (None, None, True),
        ("resume", None, False),
        ("resume", "abc", False),
    ]


@pytest.mark.parametrize("argv", [["--keep", "3", "resume"], ["resume", "--keep", "3"]])
def test_flags_stand_on_either_side_of_the_command(argv: list[str]) -> None:
    assert settings_of(parser.parse(argv)).context.keep == 3


def test_a_flag_may_have_the_name_of_a_command_for_its_value() -> None:
    """And a command's own words may be names of commands: only the first is one."""
    assert settings_of(parser.parse(["--model", "say", "config", "show"])).backend.model == "say"
    args = parser.parse(["--model=say", "resume", "config"])
    assert (args.command, args.id) == ("resume", "config")


def test_the_contract_s_flags_are_there() -> None:
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
        "--llm-url": "http://h/v1",
    }
    given |= {"--tts": "http://h/v1", "--llm-path": "model.gguf"}
    for flag, spec in SETTABLE.items():
        argv = [flag] if spec.default is False else [flag, given.get(flag, "word")]
        settings = settings_of(parser.parse(argv))
        assert settings.origin(spec.key) == flag
        assert settings.value(spec.key) != spec.default


def test_the_folder_of_the_talks_can_be_named(home: Path) -> None:
    assert sessions_dir_of(parser.parse(["--sessions-dir", "x", "resume"])) == Path("x")
    assert sessions_dir_of(parser.parse([])) == home / "data" / "tui-voice" / "sessions"


def test_flags_are_not_guessed_from_their_beginning() -> None:
    """A script that says `--text-only` today must not get `--text` after the next release."""
    with pytest.raises(parser.UsageError):
        parser.parse(["--mod", "x"])
