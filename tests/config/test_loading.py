"""Loading settings: which source wins, what is refused, and what the error message says."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_voice.cli.config import template
from tui_voice.cli.registry import CHOICES
from tui_voice.config import DEFAULT_KEYS, Settings, load
from tui_voice.config.model import all_settings, type_of, variable
from tui_voice.config.shipped_profiles import about, shipped_profiles
from tui_voice.config.value_types import convert
from tui_voice.errors import SettingsError

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(content, encoding="utf-8")
        return path

    return write


def from_file(path: Path, flags: dict[str, object] | None = None, **env: str) -> Settings:
    return load(flags, env=env, path=path, choices=CHOICES)


def test_without_a_file_every_setting_has_its_default(tmp_path: Path) -> None:
    settings = from_file(tmp_path / "none.toml")
    for key, setting in all_settings().items():
        assert settings.value(key) == setting.default
        assert settings.origin(key) == "default"


@pytest.mark.parametrize("key", all_settings())
def test_every_default_is_allowed(key: str) -> None:
    default = all_settings()[key].default
    assert convert(default, type_of(key), from_text=False) == default
    if key in CHOICES:
        assert default in CHOICES[key]()


def test_the_last_source_wins_and_is_reported_as_the_origin(write: Write) -> None:
    path = write(
        "context.keep = 1\ncontext.trigger = 1\naudio.volume = 0.1\ncost.limit = 1\n"
        "[profiles.p.context]\nkeep = 2\ntrigger = 2\n[profiles.p.audio]\nvolume = 0.2\n"
        "[profiles.other.cost]\nlimit = 9"
    )
    settings = load(
        {"context.keep": "4", "audio.volume": None},
        profile="p",
        env={"TUI_VOICE_CONTEXT_KEEP": "3", "TUI_VOICE_CONTEXT_TRIGGER": "3"},
        path=path,
    )
    found = {key: (settings.value(key), settings.origin(key)) for key in settings.origins}
    assert found == {
        "cost.limit": (1.0, str(path)),
        "audio.volume": (0.2, f"{path} [profiles.p]"),
        "context.trigger": (3, "TUI_VOICE_CONTEXT_TRIGGER"),
        "context.keep": (4, "--keep"),
        "session.profile": ("p", "--profile"),
    }
    assert settings.profiles == ("p", "other")
    assert settings.profile == "p"


def test_a_profile_and_a_file_can_come_from_the_environment(write: Write) -> None:
    path = write('[profiles.p.backend]\nmodel = "m"')
    env = {"TUI_VOICE_CONFIG": str(path), "TUI_VOICE_PROFILE": "p"}
    assert load(env=env).backend.model == "m"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('backend.silence_ms = "long"', ['backend.silence_ms is "long"', "from 0 to 10000"]),
        ("backend.silence_ms = true", ["backend.silence_ms is True", "whole number"]),
        ("backend.silence_ms = 0.5", ["backend.silence_ms is 0.5", "whole number"]),
        ("backend.silence_ms = -1", ["backend.silence_ms is -1", "from 0 to 10000"]),
        ("context.trigger = 2_000_000", ["is 2000000", "a whole number from 0 to 1000000."]),
        ("cost.limit = 0", ["cost.limit is 0", "a number from 0.01 to 100000, or none"]),
        ("backend.threshold = nan", ["backend.threshold is nan", "from 0 to 1"]),
        ('backend.kind = "opnai"', ['"opnai"', "auto, openai, azure, local, ws", "ws:// address"]),
        ('context.policy = "lazy"', ['context.policy is "lazy"', "one of balanced, thrift"]),
        ('summary.style = "poem"', ['summary.style is "poem"', "one of structured"]),
        ('audio.noise_reduction = "on"', ["one of near_field, far_field, off"]),
        ('backend.model = "two words"', ["backend.model", "a name without spaces"]),
        ('backend.language = "english!"', ["backend.language", 'a language code such as "en"']),
        (
            'backend.instructions = " "',
            ["backend.instructions", "text of one or more lines that is not empty"],
        ),
        ("backend.llm_path = 3", ["backend.llm_path is 3", "the path of a file, or none"]),
        ("audio.text_only = 1", ["audio.text_only is 1", "true or false"]),
        ('backend.url = "http://x"', ["backend.url", "ws:// or wss://"]),
        ('backend.url = "ws://a b"', ["backend.url", "ws:// or wss://"]),
        ('backend.url = "ws://:80"', ["backend.url", "ws:// or wss://"]),
        ('summary.url = "http://"', ["summary.url", "http:// or https://"]),
        ('context.every = "soon"', ["context.every", '"10m"']),
        ('context.every = "0m"', ["context.every", '"10m"']),
        ("cost.prices.m = 3", ["cost.prices", "a table of models"]),
        ('keys.talk = "the space bar"', ["keys.talk", '"space"']),
        ("backend = 3", ["backend is 3", "[backend]"]),
        ("profiles = 3", ["profiles is no table"]),
        ("[profiles.p.audio]\nvolume = 9", ["[profiles.p]", "audio.volume is 9", "from 0 to 2"]),
        ("[bakend]", ["no group bakend", "Did you mean backend?"]),
        ("audio.volum = 1", ["no setting audio.volum", "Did you mean audio.volume?"]),
        ("api_key = 'x'", ["no group api_key"]),
        ("[a", ["not valid TOML", "at end of document"]),
    ],
)
def test_a_wrong_value_in_the_file_is_refused_with_file_key_and_what_is_allowed(
    write: Write, content: str, words: list[str]
) -> None:
    path = write(content)
    with pytest.raises(SettingsError) as refused:
        from_file(path)
    for word in [str(path), *words]:
        assert word in str(refused.value)
    assert refused.value.hint
    assert refused.value.exit_status == 2


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TUI_VOICE_CONTEXT_KEEP", "few", ['TUI_VOICE_CONTEXT_KEEP: context.keep is "few"']),
        ("TUI_VOICE_CONTEXT_KEEP", "2.5", ["a whole number from 0 to 10000, or none"]),
        ("TUI_VOICE_AUDIO_RECORD", "maybe", ["true or false"]),
        ("TUI_VOICE_CONTEXT_KEP", "6", ["sets nothing", "Did you mean TUI_VOICE_CONTEXT_KEEP?"]),
        ("TUI_VOICE_COST_PRICES", "1", ["a table"]),
        (
            "TUI_VOICE_PROFILE",
            "nope",
            ['no profile "nope"', "known: coach, meeting, support, tutor"],
        ),
    ],
)
def test_a_wrong_environment_variable_is_refused_by_name(
    tmp_path: Path, name: str, value: str, words: list[str]
) -> None:
    with pytest.raises(SettingsError) as refused:
        from_file(tmp_path / "none.toml", **{name: value})
    for word in words:
        assert word in str(refused.value)


def test_a_wrong_flag_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r'^--trigger: context\.trigger is "x"; allowed'):
        from_file(tmp_path / "none.toml", {"context.trigger": "x"})
    with pytest.raises(SettingsError, match="no setting"):
        from_file(tmp_path / "none.toml", {"context.nothing": "x"})


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('summary.by = "url"', "summary.url is not set"),
        ('keys.talk = "p"', "keys.talk is too"),
    ],
)
def test_values_that_do_not_go_together_are_refused(write: Write, content: str, word: str) -> None:
    path = write(content)
    with pytest.raises(SettingsError, match=word) as refused:
        from_file(path)
    assert str(path) in str(refused.value)


def test_a_key_that_a_newer_action_has_stays_with_the_action_that_the_user_chose(
    write: Write,
) -> None:
    """A file from before there was the action `select` still opens."""
    settings = from_file(write('keys.help = "ctrl+t"'))
    assert (settings.keys["help"], settings.keys["select"]) == ("ctrl+t", "")


@pytest.mark.parametrize("value", ["sk-" + "a" * 30, "wss://user:pass@host", "x" * 70 + " y"])
def test_a_value_that_may_be_an_api_key_is_not_repeated(write: Write, value: str) -> None:
    for content in (f'backend.kind = "{value}"', f'backend.url = "{value}"'):
        with pytest.raises(SettingsError) as refused:
            from_file(write(content))
        assert value not in f"{refused.value} {refused.value.hint}"


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        from_file(tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# caf\xe9")
    with pytest.raises(SettingsError, match="not UTF-8"):
        from_file(latin)
    with pytest.raises(SettingsError, match="no such file"):
        load(env={"TUI_VOICE_CONFIG": str(tmp_path / "gone.toml")})


def test_an_address_as_backend_is_short_for_ws_and_that_address(tmp_path: Path) -> None:
    settings = from_file(tmp_path / "none.toml", {"backend.kind": "ws://127.0.0.1:1/v1"})
    assert settings.backend.kind == "ws"
    assert settings.backend.url == "ws://127.0.0.1:1/v1"
    assert settings.origin("backend.url") == "--backend"


def test_the_variable_of_azure_is_read_but_ours_wins(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    theirs = {"AZURE_OPENAI_ENDPOINT": "https://a.example"}
    assert from_file(path, **theirs).backend.azure_endpoint == "https://a.example"
    ours = {"TUI_VOICE_BACKEND_AZURE_ENDPOINT": "https://b.example"}
    assert from_file(path, **theirs, **ours).backend.azure_endpoint == "https://b.example"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0), ("none", None)]
)
def test_times_are_read_as_seconds(tmp_path: Path, text: str, seconds: float | None) -> None:
    settings = from_file(tmp_path / "none.toml", TUI_VOICE_CONTEXT_EVERY=text)
    assert settings.context.every == seconds


@pytest.mark.parametrize("text", ["ws://h", "wss://user@h:443/v1?x=1#y", "ws://[::1]:8765/v1/a@b"])
def test_addresses_may_have_user_port_and_path(tmp_path: Path, text: str) -> None:
    assert from_file(tmp_path / "none.toml", TUI_VOICE_BACKEND_URL=text).backend.url == text


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("CONTEXT_TRIGGER", "4_000", 4000),
        ("CONTEXT_TRIGGER", " 4000 ", 4000),
        ("CONTEXT_KEEP", "", None),
        ("CONTEXT_KEEP", "None", None),
        ("AUDIO_VOLUME", "1", 1.0),
        ("AUDIO_RECORD", "yes", True),
        ("AUDIO_RECORD", "On", True),
        ("AUDIO_RECORD", "1", True),
        ("AUDIO_RECORD", "no", False),
        ("AUDIO_RECORD", "FALSE", False),
        ("BACKEND_LLM_PATH", "~/a.gguf", Path.home() / "a.gguf"),
    ],
)
def test_texts_from_the_environment_are_converted(
    tmp_path: Path, name: str, text: str, value: object
) -> None:
    settings = from_file(tmp_path / "none.toml", **{f"TUI_VOICE_{name}": text})
    assert settings.value(name.lower().replace("_", ".", 1)) == value


def test_a_whole_number_in_the_file_is_allowed_where_a_number_is(write: Write) -> None:
    volume = from_file(write("audio.volume = 2")).audio.volume
    assert (volume, type(volume)) == (2.0, float)


def test_without_choices_any_name_of_an_extensible_table_is_allowed(tmp_path: Path) -> None:
    settings = load({"context.policy": "mine"}, env={}, path=tmp_path / "none.toml")
    assert settings.context.policy == "mine"


def test_a_name_that_was_added_to_a_table_is_allowed(tmp_path: Path) -> None:
    table = ["balanced"]
    choices = {"context.policy": lambda: table}
    with pytest.raises(SettingsError, match="one of balanced"):
        load({"context.policy": "mine"}, env={}, path=tmp_path / "none.toml", choices=choices)
    table.append("mine")
    flags = {"context.policy": "mine"}
    settings = load(flags, env={}, path=tmp_path / "none.toml", choices=choices)
    assert settings.context.policy == "mine"


def test_prices_are_read_from_the_file(write: Write) -> None:
    settings = from_file(write('[cost.prices."m-1.5"]\ntext_input = 4'))
    assert settings.cost.prices == {"m-1.5": {"text_input": 4.0}}


def test_an_action_can_have_another_key(write: Write) -> None:
    settings = from_file(write('keys.talk = "f12"'), TUI_VOICE_KEYS_QUIT="ctrl+c")
    assert settings.keys == {**DEFAULT_KEYS, "talk": "f12", "quit": "ctrl+c"}


def test_each_setting_has_a_variable_of_its_own() -> None:
    names = [variable(key) for key in all_settings()]
    assert len(set(names)) == len(names)


def test_the_template_of_config_edit_names_every_setting_and_sets_none(write: Write) -> None:
    assert not from_file(write(template())).origins
    uncommented = re.sub(r"^# (\S+ = )", r"\1", template(), flags=re.M).replace("# [prof", "[prof")
    settings = from_file(write(uncommented))
    assert set(settings.origins) == set(all_settings())
    changed = [
        key for key, setting in all_settings().items() if settings.value(key) != setting.default
    ]
    assert changed == ["cost.prices"]


def test_every_default_can_be_written_as_json() -> None:
    defaults = {
        key: list(setting.default) if isinstance(setting.default, tuple) else setting.default
        for key, setting in all_settings().items()
    }
    assert json.loads(json.dumps(defaults)) == defaults


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_shipped_profile_is_correct_and_says_all_that_a_profile_is_for(
    tmp_path: Path, name: str
) -> None:
    settings = load(profile=name, env={}, path=tmp_path / "none.toml", choices=CHOICES)
    given = ("instructions", "voice", "speed", "turn_detection")
    assert {f"backend.{one}" for one in given} <= settings.origins.keys()
    assert {"summary.style", "session.at_end"} <= settings.origins.keys()
    assert settings.profile == settings.session.profile == name
    assert about(name).endswith(".")
    places = set(re.findall(r"{(.*?)}", settings.backend.instructions or ""))
    assert places <= {"target_language", "strictness", "call_name"}


def test_what_names_the_profile(write: Write) -> None:
    path = write('session.profile = "cheap"\n[profiles.cheap.context]\nkeep = 3')
    assert from_file(path).context.keep == 3
    assert not from_file(path).profile_is_explicit
    assert from_file(path, TUI_VOICE_PROFILE="coach").profile == "coach"
    named = load(profile="tutor", env={"TUI_VOICE_PROFILE": "coach"}, path=path)
    assert (named.profile, named.profile_is_explicit) == ("tutor", True)
    on_screen = load({"session.profile": "none"}, profile="tutor", env={}, path=path)
    assert (on_screen.profile, on_screen.context.keep) == (None, None)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Shorten this.", "lacks {transcript}"),
        ("{transcript} for {name}", "has the place {name}; the places are {transcript} and"),
        ("{transcript} {}", "has the place {}"),
        (" ", "allowed is a text with {transcript}"),
    ],
)
def test_an_own_summary_prompt_needs_its_places(write: Write, prompt: str, words: str) -> None:
    path = write(f'[profiles.p.summary]\nprompt = "{prompt}"')
    with pytest.raises(SettingsError) as refused:
        from_file(path)
    assert f"{path} [profiles.p]: summary.prompt" in str(refused.value)
    assert words in str(refused.value)
    good = "In French: {transcript}. Before: {memory}"
    assert load({"summary.prompt": good}, env={}, path=path.parent / "none").summary.prompt == good


def test_a_profile_names_no_other_profile(write: Write) -> None:
    with pytest.raises(SettingsError, match="cannot be set in a profile"):
        from_file(write('[profiles.p.session]\nprofile = "coach"'))
