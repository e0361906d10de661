"""The settings editor: what it shows of a setting, what it saves, and what it leaves as it is."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_voice.cli.config import template
from tui_voice.cli.registry import CHOICES, SUGGESTIONS, profiles
from tui_voice.config import load
from tui_voice.config.editor import SettingsEditor
from tui_voice.config.model import all_settings
from tui_voice.config.settings_file import write
from tui_voice.errors import SettingsError

FILE = """\
# how I talk
context.keep = 4          # few turns

[backend]
voice = "marin"           # the calm one
# the model is set by the profile
silence_ms = 700

[profiles.cheap.backend]
model = "gpt-realtime-mini"   # half the price
"""

Open = Callable[..., SettingsEditor]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def editor(path: Path) -> Open:
    def open_editor(flags: dict[str, object] | None = None, **env: str) -> SettingsEditor:
        return SettingsEditor(flags, env=env, path=path, choices=CHOICES)

    return open_editor


def test_a_change_keeps_comments_order_and_everything_else(path: Path, editor: Open) -> None:
    one = editor()
    assert one.save("backend.voice", "cedar") == ""
    one.save("context.keep", "9")
    one.save("audio.cues", "on")
    expected = FILE.replace('"marin"', '"cedar"').replace("keep = 4 ", "keep = 9 ")
    assert path.read_text() == f"{expected}\n[audio]\ncues = true\n"
    assert (one.settings.backend.voice, one.settings.audio.cues) == ("cedar", True)
    one.save("backend.voice", None)
    assert "voice = " not in path.read_text()
    assert one.field("backend.voice").source == "default"


@pytest.mark.parametrize("key", [key for key in all_settings() if key != "cost.prices"])
def test_every_setting_can_be_saved_as_it_is_shown(key: str, path: Path, editor: Open) -> None:
    path.write_text(template(), encoding="utf-8")
    one = editor()
    shown = one.field(key).value
    one.save(key, shown)
    assert load(env={}, path=path, choices=CHOICES).value(key) == all_settings()[key].default
    assert len(path.read_text().splitlines()) == len(template().splitlines()) + 1


def test_a_value_is_put_below_the_comment_that_explains_it(path: Path, editor: Open) -> None:
    path.write_text(template(), encoding="utf-8")
    editor().save("keys.talk", "f5")
    lines = path.read_text().splitlines()
    assert lines[lines.index('talk = "f5"') - 1] == '# talk = "space"'
    assert load(env={}, path=path).keys["talk"] == "f5"


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("backend.speed", "9", '"9" is not a number from 0.25 to 1.5.'),
        ("context.policy", "lazy", '"lazy" is not one of balanced'),
        ("context.every", "soon", '"soon" is not a time such as "90s"'),
        ("summary.by", "url", 'summary.by is "url", and summary.url is not set.'),
        ("keys.mute", "f1", 'keys.help is "f1", and keys.mute is too.'),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_is_written(
    key: str, text: str, reason: str, path: Path, editor: Open
) -> None:
    one = editor()
    before = one.settings
    with pytest.raises(SettingsError) as refused:
        one.save(key, text)
    assert reason in str(refused.value)
    assert path.read_text() == FILE
    assert one.settings is before


def test_what_is_stronger_than_the_file_is_named_and_stays_in_force(
    path: Path, editor: Open
) -> None:
    one = editor({"backend.voice": "ash"}, TUI_VOICE_CONTEXT_KEEP="6")
    assert one.field("backend.voice").fixed_by == one.field("backend.voice").source == "--voice"
    assert one.field("context.keep").fixed_by == "TUI_VOICE_CONTEXT_KEEP"
    assert one.field("backend.silence_ms").source == "file"
    assert one.save("backend.voice", "cedar") == "--voice"
    assert one.settings.backend.voice == "ash"
    assert 'voice = "cedar"' in path.read_text()


def test_a_value_of_the_profile_in_force_is_changed_in_the_profile(path: Path) -> None:
    one = SettingsEditor(profile="cheap", env={}, path=path)
    assert one.field("backend.model").source == "profile cheap"
    one.save("backend.model", "gpt-realtime-2.1")
    assert 'model = "gpt-realtime-2.1"   # half the price' in path.read_text()
    one.save("backend.voice", "ash")  # the profile does not set it
    assert 'voice = "ash" ' in path.read_text()


def test_a_shipped_profile_is_chosen_and_is_stronger_than_the_file(path: Path) -> None:
    one = SettingsEditor(env={}, path=path, suggestions=SUGGESTIONS)
    assert one.field("session.profile").choices == ("none", *profiles(), "cheap")
    assert one.save("session.profile", "tutor") == ""
    assert one.settings.profile == "tutor"
    instructions = one.field("backend.instructions")
    assert instructions.source == instructions.fixed_by == "profile tutor"
    one.save("session.profile", "none")
    assert one.field("backend.instructions").source == "default"


def test_what_was_chosen_for_this_run_is_replaced_by_what_is_saved(editor: Open) -> None:
    one = editor()
    one.choose({"backend.voice": "sage"})
    assert (one.settings.backend.voice, one.field("backend.voice").source) == ("sage", "this run")
    with pytest.raises(SettingsError):
        one.choose({"backend.speed": "9"})
    assert one.save("backend.voice", "cedar") == ""
    assert one.settings.backend.voice == "cedar"


def test_changes_of_another_program_are_kept_and_never_overwritten(
    path: Path, editor: Open
) -> None:
    one = editor()
    path.write_text(FILE + "\n[audio]\nvolume = 0.5\n", encoding="utf-8")
    one.save("backend.voice", "cedar")
    assert "volume = 0.5" in path.read_text()
    assert one.settings.audio.volume == 0.5
    theirs = path.read_text().replace('"cedar"', '"verse"')
    path.write_text(theirs, encoding="utf-8")
    with pytest.raises(SettingsError, match="Another program has changed backend"):
        one.save("backend.voice", "ash")
    assert path.read_text() == theirs
    assert one.settings.backend.voice == "verse"
    path.write_text("[backend\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="is not valid TOML"):
        one.save("backend.voice", "ash")
    assert path.read_text() == "[backend\n"


def test_the_file_is_written_for_its_owner_alone_and_a_link_stays_a_link(
    tmp_path: Path, editor: Open, path: Path
) -> None:
    real = tmp_path / "dotfiles.toml"
    path.rename(real)
    path.symlink_to(real)
    editor().save("backend.voice", "cedar")
    assert path.is_symlink()
    assert 'voice = "cedar"' in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    new = tmp_path / "new" / "config.toml"
    SettingsEditor(env={}, path=new).save("ui.bell", "yes")
    assert new.read_text() == "[ui]\nbell = true\n"
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    assert sorted(one.name for one in new.parent.iterdir()) == ["config.toml"]


def test_a_file_that_cannot_be_written_is_one_sentence() -> None:
    for path, reason in (
        (Path("/proc/none/config.toml"), "cannot be saved in .*: No such file or directory"),
        (Path(os.devnull), "is no file"),
    ):
        one = SettingsEditor(env={}, path=path)
        with pytest.raises(SettingsError, match=reason):
            one.save("ui.bell", "yes")
        assert not one.settings.ui.bell
    assert not Path(os.devnull).is_file()


def test_line_ends_of_windows_stay(path: Path, editor: Open) -> None:
    path.write_bytes(FILE.replace("\n", "\r\n").encode())
    editor().save("backend.silence_ms", "900")
    expected = FILE.replace("700", "900").replace("\n", "\r\n")
    assert path.read_bytes() == expected.encode()


def test_a_file_that_changes_while_it_is_written_is_left_as_it_is(path: Path) -> None:
    with pytest.raises(SettingsError, match="changed by another program"):
        write(path, "what was read", "what is written")
    assert path.read_text() == FILE
    assert [one.name for one in path.parent.iterdir()] == ["config.toml"]


def test_long_texts_and_prices_are_saved_as_the_file_has_them(path: Path, editor: Open) -> None:
    opened = editor()
    opened.save("backend.instructions", "Speak slowly.\nAsk one question at a time.")
    prices = '"my-model" = { text_in = 4, audio_out = 64.5 }\n"other" = { per_minute = 0.01 }'
    opened.save("cost.prices", prices)
    assert editor().settings.backend.instructions == "Speak slowly.\nAsk one question at a time."
    assert 'instructions = """Speak slowly.\nAsk' in path.read_text(encoding="utf-8")
    assert editor().settings.cost.prices["my-model"] == {"text_in": 4.0, "audio_out": 64.5}
    assert editor().field("cost.prices").value == prices
    with pytest.raises(SettingsError):
        opened.save("cost.prices", "my-model: 4")
    opened.save("cost.prices", "none")
    assert "prices" not in path.read_text(encoding="utf-8")
