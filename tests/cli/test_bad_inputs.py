"""Bad inputs: each is one clear sentence on standard error, and the documented exit status.

The cases are made by tables of kinds × commands. They run in this process, by the function that the
program calls; `test_output.py` has those that need a process of their own, such as a closed pipe.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, get_args

import pytest

from tui_voice.__main__ import main
from tui_voice.config.model import all_settings, type_of, variable

SESSIONS = Path(__file__).parents[2] / "sessions"
KYOTO = "2026-03-14-1202-kyto"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes, devices and file names of POSIX")


class Case(NamedTuple):
    """A command line, what is in the environment, and the exit statuses that are documented."""

    argv: list[str]
    status: int
    env: dict[str, str] = {}  # noqa: RUF012  # never changed
    config: bytes | None = None
    """The settings file; None: there is none."""


HOSTILE = "\x1b]0;owned\x07\u202e\x9b31m\nred"
NUMBERS = {
    "digits": "9" * 5000,
    "minus digits": "-" + "9" * 5000,
    "not a number": "nan",
    "infinite": "inf",
    "too large": "1e999",
    "text": "many",
    "hostile": HOSTILE,
    "empty": "",
    "blank": " ",
    "half": "½",
    "hex": "0x10",
    "list": "1,2",
}
NUMBER_FLAGS = {
    "limit": ["sessions", "search", "x", "--limit"],
    "hours": ["simulate", "--hours"],
    "simulate trigger": ["simulate", "--trigger"],
    "simulate keep": ["simulate", "--keep"],
    "cache-hit": ["simulate", "--cache-hit"],
    "seed": ["simulate", "--seed"],
    "user": ["simulate", "--user"],
    "reply": ["simulate", "--reply"],
    "exchanges": ["eval", "--exchanges"],
    "at": ["eval", "--at"],
    "eval keep": ["eval", "--keep"],
    "replay speed": ["replay", "last", "--speed"],
    "port": ["serve", "--port"],
    "minutes": ["serve", "--session-minutes"],
    "connections": ["serve", "--max-connections"],
    "config trigger": ["config", "--trigger"],
    "app trigger": ["--trigger"],
    "say trigger": ["say", "hello", "--trigger"],
}
PATHS = {
    "empty": "",
    "blank": " ",
    "nobody": "~nouser-here/x",
    "long": "x" * 5000,
    "long parts": "/x" * 3000,
}
IDS = {
    **PATHS,
    "unknown": "nosuch",
    "hostile": HOSTILE,
    "not UTF-8": "caf\udce9",
    "pattern": "*",
    "folder": "{folder}/",
    "file": "{folder}/notes.txt",
    "missing": "{folder}/missing.jsonl",
    "pipe": "{folder}/pipe.jsonl",
    "device": "/dev/zero",
    "damaged": "{folder}/damaged.jsonl",
    "nested": "{folder}/nested.jsonl",
    "enormous": "{folder}/enormous.jsonl",
    "below a file": "{folder}/notes.txt/x.jsonl",
    "parents": "../" * 50 + "x.jsonl",
    "query": "' OR 1=1 --",
}
ID_COMMANDS = {
    "show": ["sessions", "show", "{id}"],
    "show --json": ["sessions", "show", "--json", "{id}"],
    "export": ["sessions", "export", "{id}"],
    "rename": ["sessions", "rename", "{id}", "title"],
    "delete": ["sessions", "delete", "{id}", "--yes"],
    "fork": ["sessions", "fork", "{id}", "1"],
    "simulate": ["simulate", "{id}"],
    "say": ["say", "hello", "--session", "{id}"],
    "line": ["line", "--session", "{id}"],
}
FOLDERS = {
    **PATHS,
    "file": "{folder}/notes.txt",
    "pipe": "{folder}/pipe.jsonl",
    "device": "/dev/null",
}
FOLDER_COMMANDS = {
    "list": ["sessions", "list"],
    "list --json": ["sessions", "list", "--json"],
    "show": ["sessions", "show", "last"],
    "search": ["sessions", "search", "x"],
    "export": ["sessions", "export", "last"],
    "simulate": ["simulate", "last"],
    "say": ["say", "hello"],
}
CONFIGS = {
    "not TOML": b"[context\ntrigger = ",
    "not UTF-8": b"[context]\ntrigger = \xff\xfe",
    "binary": bytes(range(256)),
    "nested": b"a = " + b"[" * 50_000,
    "nested tables": b"a = " + b"{b=" * 20_000,
    "digits": b"[context]\ntrigger = " + b"9" * 5000,
    "more digits": b"[context]\ntrigger = " + b"9" * 200_000,
    "digits in a list": b"[context]\ntrigger = [" + b"9" * 5000 + b"]",
    "digits elsewhere": b"[context]\nnosuch = " + b"9" * 5000,
    "large": b"#" * 5_000_000,
    "twice": b"[ui]\nascii = true\nascii = true",
    "unknown group": b"[contxt]\ntrigger = 1",
    "unknown key": b"[context]\ntriggr = 1",
    "unknown hostile key": b'[context]\n"\\u001b]0;owned\\u0007" = 1',
    "group is a number": b"context = 1",
    "group is a list": b"[[context]]\ntrigger = 1",
    "profiles is a list": b"profiles = [1]",
    "profile is a number": b"[profiles]\ncheap = 1",
    "wrong in a profile": b"[profiles.cheap.context]\ntrigger = -1",
    "date": b"[context]\ntrigger = 2026-01-01",
    "hostile theme": b'[ui]\ntheme = "\\u001b[31m"',
    "theme": b'[ui]\ntheme = "nosuchtheme"',
    "prices": b'[cost]\nprices = "cheap"',
    "price": b"[cost]\nprices.m.text_in = -1",
    "endless price": b"[cost]\nprices.m.text_in = inf",
    "zero byte in a path": b'[backend]\nllm_path = "a\\u0000b"',
    "long path": b'[backend]\nllm_path = "' + b"x" * 5000 + b'"',
    "shared key": b'[keys]\nhelp = "f2"\npanel = "f2"',
    "no key": b'[keys]\nhelp = ""',
    "unknown action": b'[keys]\nfly = "f9"',
    "url without an address": b'[summary]\nby = "url"',
    "password": b'[backend]\nurl = "ws://me:secret@host/v1"',
    "port": b'[backend]\nurl = "ws://host:99999/"',
    "endless port": b'[backend]\nurl = "ws://host:' + b"9" * 5000 + b'/"',
}
CONFIG_COMMANDS = {
    "config": ["config"],
    "config --json": ["config", "--json"],
    "tokens": ["tokens", "hello"],
    "say": ["say", "hello"],
}
CONFIG_PATHS = {
    **PATHS,
    "missing": "{folder}/none.toml",
    "pipe": "{folder}/pipe.jsonl",
    "device": "/dev/zero",
    "folder": "{folder}",
}
TEXTS = {
    "ui.theme": "nosuchtheme",
    "backend.kind": "nosuch",
    "backend.url": "http://host",
    "backend.llm_url": "ftp://host",
    "backend.tts": "http://host:70000",
    "backend.azure_endpoint": "https://",
    "backend.turn_detection": "psychic",
    "backend.language": "Klingonisch!",
    "backend.model": "two words",
    "backend.voice": " ",
    "context.policy": "nosuch",
    "context.every": "9" * 5000 + "h",
    "context.recall": "maybe",
    "summary.by": "nobody",
    "summary.style": "nosuch",
    "audio.noise_reduction": HOSTILE,
    "audio.echo_cancellation": "2",
    "ui.ascii": "perhaps",
    "cost.prices": "{}[",
    "keys.help": "ctrl++",
}


def wav(
    channels: int = 1,
    rate: int = 24_000,
    bits: int = 16,
    kind: int = 1,
    data: bytes = b"\0" * 480,
    size: int | None = None,
) -> bytes:
    """A WAV file with these figures in its header."""
    form = struct.pack("<HHIIHH", kind, channels, rate, 0, 0, bits)
    body = b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt \x10\0\0\0" + form + body


SOUNDS: dict[str, tuple[str, bytes]] = {
    "empty": ("a.wav", b""),
    "text": ("a.wav", b"Dear diary"),
    "only RIFF": ("a.wav", b"RIFF\0\0\0\0WAVE"),
    "torn header": ("a.wav", wav()[:30]),
    "no sound": ("a.wav", wav()[:36]),
    "no channels": ("a.wav", wav(channels=0)),
    "no rate": ("a.wav", wav(rate=0)),
    "slow": ("a.wav", wav(rate=1)),
    "fast": ("a.wav", wav(rate=2**32 - 1)),
    "12 bits": ("a.wav", wav(bits=12)),
    "no bits": ("a.wav", wav(bits=0)),
    "ADPCM": ("a.wav", wav(kind=2, bits=4)),
    "extensible": ("a.wav", wav(kind=0xFFFE)),
    "empty chunks": ("a.wav", b"RIFF\0\0\0\0WAVE" + b"\0" * 4_000_000),
    "not FLAC": ("a.flac", b"fLaC" + b"\xff" * 999),
    "not MP3": ("a.mp3", b"ID3" + bytes(999)),
    "not Ogg": ("a.ogg", b"OggS" + bytes(999)),
    "AIFF": ("memo.aiff", b"FORM" + bytes(99)),
    "M4A": ("memo.m4a", bytes(99)),
    "Opus": ("memo.opus", b"OggS" + bytes(99)),
}
SOUND_PATHS = {
    "missing": "missing.wav",
    "missing in a folder": "{folder}/missing.wav",
    "folder": "{folder}/folder.wav",
    "pipe": "{folder}/pipe.wav",
    "enormous": "{folder}/enormous.wav",
    "enormous MP3": "{folder}/enormous.mp3",
    "nobody": "~nouser-here/a.wav",
    "long": "x" * 5000 + ".wav",
    "not UTF-8": "caf\udce9.wav",
}
SOUND_COMMANDS = {"say": ["say"], "tokens": ["tokens"], "tokens --json": ["tokens", "--json"]}
OUTPUTS = {
    "out is empty": (["sessions", "export", KYOTO, "--out", ""], 2),
    "out is nobody's": (["sessions", "export", KYOTO, "--out", "~nouser-here/x.md"], 2),
    "out is long": (["sessions", "export", KYOTO, "--out", "x" * 5000], 2),
    "out in no folder": (["sessions", "export", KYOTO, "--out", "{folder}/no/such/x.md"], 1),
    "out below a file": (["sessions", "export", KYOTO, "--out", "{folder}/notes.txt/x.md"], 1),
    "speak without sound": (["say", "hello", "--text", "--speak", "{folder}/x.wav"], 2),
    "speak is empty": (["say", "hello", "--speak", ""], 2),
    "speak is nobody's": (["say", "hello", "--speak", "~nouser-here/x.wav"], 2),
    "speak is long": (["say", "hello", "--speak", "x" * 5000], 2),
    "speak is a folder": (["say", "hello", "--speak", "{folder}"], 2),
    "speak in no folder": (["say", "hello", "--speak", "{folder}/no/such/x.wav"], 2),
    "eval in nobody's": (["eval", "--folder", "~nouser-here/x"], 2),
    "eval in an empty one": (["eval", "--folder", ""], 2),
    "eval with a long one": (["eval", "--folder", "x" * 5000], 2),
}
WORDS = {
    "no command": (["frobnicate"], 2),
    "hostile command": ([HOSTILE], 2),
    "long command": (["x" * 5000], 2),
    "command not UTF-8": (["caf\udce9"], 2),
    "no action": (["sessions", "frobnicate"], 2),
    "hostile action": (["sessions", HOSTILE], 2),
    "no words": (["sessions", "search"], 2),
    "no title": (["sessions", "rename", KYOTO], 2),
    "empty title": (["sessions", "rename", KYOTO, ""], 1),
    "blank title": (["sessions", "rename", KYOTO, " \t "], 1),
    "title not UTF-8": (["sessions", "rename", KYOTO, "caf\udce9"], 2),
    "no such turn": (["sessions", "fork", KYOTO, "999"], 1),
    "turn 0": (["sessions", "fork", KYOTO, "0"], 1),
    "turn of digits": (["sessions", "fork", KYOTO, "9" * 5000], 1),
    "hostile turn": (["sessions", "fork", KYOTO, HOSTILE], 1),
    "superscript turn": (["sessions", "fork", KYOTO, "²"], 1),
    "format": (["sessions", "export", KYOTO, "--format", "docx"], 2),
    "hostile format": (["sessions", "export", KYOTO, "--format", HOSTILE], 2),
    "empty format": (["sessions", "export", KYOTO, "--format", ""], 2),
    "profile": (["config", "--profile", "nosuch"], 2),
    "hostile profile": (["config", "--profile", HOSTILE], 2),
    "empty profile": (["config", "--profile", ""], 2),
    "policy": (["simulate", "--policy", "nosuch"], 2),
    "model": (["simulate", "--model", "nosuch"], 2),
    "hostile model": (["simulate", "--model", HOSTILE], 2),
    "style": (["eval", "--style", "nosuch"], 2),
    "only": (["eval", "--only", "nosuch"], 2),
    "hostile only": (["eval", "--only", HOSTILE], 2),
    "summary-url": (["eval", "--summary-url", "nosuch"], 2),
    "nothing to say": (["say"], 2),
    "an empty turn": (["say", ""], 2),
    "a blank turn": (["say", " \n"], 2),
    "a turn not UTF-8": (["say", "caf\udce9"], 2),
    "nothing to count": (["tokens"], 2),
    "nothing but blanks to count": (["tokens", " "], 2),
    "words not UTF-8": (["tokens", "caf\udce9"], 2),
    "backend": (["say", "hello", "--backend", "nosuch"], 2),
    "hostile backend": (["say", "hello", "--backend", HOSTILE], 2),
    "address": (["say", "hello", "--backend", "ws://"], 2),
    "port of an address": (["say", "hello", "--backend", "ws://localhost:70000"], 2),
    "port of letters": (["say", "hello", "--backend", "ws://localhost:http"], 2),
    "model with a blank": (["say", "hello", "--model", "two words"], 2),
    "no value": (["say", "hello", "--model"], 2),
    "unknown flag": (["say", "hello", "--fly"], 2),
    "hostile flag": (["say", "hello", f"--{HOSTILE}"], 2),
    "no terminal": ([], 2),
    "resume without a terminal": (["resume", "nosuch"], 2),
    "continue without a terminal": (["--continue"], 2),
    "replay without a terminal": (["replay", HOSTILE], 2),
    "config action": (["config", "sow"], 2),
    "host": (["serve", "--host", "nosuch.invalid", "--port", "0"], 2),
    "key": (["serve", "--api-key", "ключ"], 2),
    "help of nothing": (["help"], 2),
}


def numeric_settings() -> Iterator[str]:
    for key in all_settings():
        kinds = {int, float} & {get_args(one)[0] for one in _parts(key) if get_args(one)}
        if kinds and key != "context.every":
            yield key


def _parts(key: str) -> tuple[object, ...]:
    """The type of a setting, or the types that it may have one of."""
    kind = type_of(key)
    return (kind, *get_args(kind))


def cases() -> Iterator[tuple[str, Case]]:
    for flag, argv in NUMBER_FLAGS.items():
        for kind, text in NUMBERS.items():
            yield f"number/{flag}/{kind}", Case([*argv[:-1], f"{argv[-1]}={text}"], 2)
    for key in numeric_settings():
        for kind, text in NUMBERS.items():
            if kind in ("empty", "blank"):  # "" may mean none
                continue
            env = {variable(key): text}
            yield f"variable/{key}/{kind}", Case(["config"], 2, env)
        group, _, name = key.partition(".")
        for kind, text in (
            ("digits", "9" * 5000),
            ("text", '"x"'),
            ("list", "[1]"),
            ("nan", "nan"),
        ):
            config = f"[{group}]\n{name} = {text}".encode()
            yield f"file/{key}/{kind}", Case(["config"], 2, config=config)
    for key, text in TEXTS.items():
        yield f"variable/{key}", Case(["config"], 2, {variable(key): text})
    for kind, config in CONFIGS.items():
        for command, argv in CONFIG_COMMANDS.items():
            yield f"config/{command}/{kind}", Case(argv, 2, config=config)
    for kind, path in CONFIG_PATHS.items():
        if path:  # an empty variable counts as not set
            yield f"config path/{kind}", Case(["config"], 2, {"TUI_VOICE_CONFIG": path})
    for kind, wanted in IDS.items():
        for command, argv in ID_COMMANDS.items():
            usage = kind in PATHS and kind != "long"  # a long word may be a title
            filled = [wanted if word == "{id}" else word for word in argv]
            yield f"id/{command}/{kind}", Case(filled, 2 if usage else 1)
    for kind, path in FOLDERS.items():
        for command, argv in FOLDER_COMMANDS.items():
            yield f"folder/{command}/{kind}", Case([*argv, "--sessions-dir", path], 2)
    for kind, (name, _) in SOUNDS.items():
        for command, argv in SOUND_COMMANDS.items():
            yield f"sound/{command}/{kind}", Case([*argv, f"{{folder}}/{kind}/{name}"], 2)
    for kind, path in SOUND_PATHS.items():
        for command, argv in SOUND_COMMANDS.items():
            yield f"sound/{command}/{kind}", Case([*argv, path], 2)
    for kind, (argv, status) in (OUTPUTS | WORDS).items():
        yield f"words/{kind}", Case(argv, status)


CASES = dict(cases())


def test_there_are_more_than_720_cases() -> None:
    assert len(CASES) > 720


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sessions and of files that are none. No case changes it."""
    folder = tmp_path_factory.mktemp("saved")
    shutil.copy(SESSIONS / "v1-kyoto-in-april.jsonl", folder)
    (folder / "notes.txt").write_text("Dear diary")
    (folder / "damaged.jsonl").write_bytes(b"\xff\xfe[[[")
    (folder / "nested.jsonl").write_bytes(b'{"event":' + b"[" * 99_999)
    os.mkfifo(folder / "pipe.jsonl")
    os.mkfifo(folder / "pipe.wav")
    (folder / "folder.wav").mkdir()
    for name, size in (("jsonl", 9 << 30), ("wav", 8 << 30), ("mp3", 8 << 30)):
        with (folder / f"enormous.{name}").open("wb") as file:
            file.write(wav(size=2**32 - 1)[:44] if name == "wav" else b"")
            file.truncate(size)
    for kind, (name, content) in SOUNDS.items():
        (folder / kind).mkdir()
        (folder / kind / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("name", CASES)
def test_a_bad_input_is_one_sentence(
    name: str,
    folder: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    case = CASES[name]
    monkeypatch.chdir(home)
    for key, value in case.env.items():
        monkeypatch.setenv(key, value.replace("{folder}", str(folder)))
    if case.config is not None:
        monkeypatch.setenv("TUI_VOICE_CONFIG", str(home / "settings.toml"))
        (home / "settings.toml").write_bytes(case.config)
    argv = [word.replace("{folder}", str(folder)) for word in case.argv]
    if "--sessions-dir" not in argv and argv[:1] != ["frobnicate"]:
        monkeypatch.setenv("TUI_VOICE_SESSIONS_DIR", str(folder))

    status = main(argv)

    out, err = capsys.readouterr()
    assert err.startswith("tui-voice: ")
    assert err.count("\n") == 1, err
    assert err.rstrip("\n").isprintable()
    assert "unexpected" not in err.lower()
    assert "Errno" not in err
    assert len(err) < 1500
    assert (status, out) == (case.status, "")
    assert sorted(path.name for path in home.iterdir() if path.suffix != ".toml") in ([], ["cache"])
