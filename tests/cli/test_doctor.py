"""`tui-voice doctor` and `tui-voice devices`."""

import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module, util
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.proxy_harness import RecordingProxy
from tests.sound_server_harness import VirtualSound
from tui_voice.__main__ import main
from tui_voice.cli import checkup
from tui_voice.cli.terminal import TerminalFeatures, parse_answer
from tui_voice.config import BackendSettings, Settings, log_path, program_form
from tui_voice.server.local.chat_probe import LocalChat

NAMES = [
    *("python", "settings", "sessions", "cache", "key", "keyring", "proxy"),
    *("engines", "chat server"),
    *("sound library", "echo", "sound devices", "terminal", "clipboard"),
]


def doctor(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, dict[str, str]]]:
    status = main(["doctor", "--json", *argv])
    found = json.loads(capsys.readouterr().out)["checks"]
    return status, {check["name"]: check for check in found}


def test_every_finding_has_the_documented_json_keys(capsys: pytest.CaptureFixture[str]) -> None:
    _, found = doctor(capsys)
    assert list(found) == NAMES
    for check in found.values():
        assert set(check) == {"name", "status", "detail", "remedy"}
        assert check["status"] in ("ok", "warn", "fail")
        assert check["detail"]
        assert check["status"] == "ok" or check["remedy"]


def test_the_plain_output_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    details = [line for line in lines if line[2:6].strip() in ("ok", "warn", "fail")]
    assert [line[8:23].strip() for line in details] == NAMES
    assert all(line[22] == " " and line[23] != " " for line in details)
    assert lines[-1].endswith("failed")


def test_a_keyring_that_is_not_installed_is_reported_and_not_used() -> None:
    env = os.environ | {"PYTHON_KEYRING_BACKEND": "keyrings.nosuch.Keyring"}
    env = {name: value for name, value in env.items() if not name.endswith("_API_KEY")}
    command = [sys.executable, "-m", "tui_voice", "doctor", "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert found["key"]["status"] == "ok"
    assert found["keyring"]["status"] == "warn"
    assert "keyrings.nosuch" in found["keyring"]["detail"]
    assert found["keyring"]["remedy"] == "unset PYTHON_KEYRING_BACKEND"


PLACE = "wss://example.invalid/v1/realtime"


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)


@pytest.mark.usefixtures("no_proxies")
def test_the_proxy_in_use_is_named_and_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Settings(backend=BackendSettings(kind="ws", url=PLACE))
    local = Settings(backend=BackendSettings(kind="local", llm_url="http://127.0.0.1:9/v1"))
    with RecordingProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:secret@"))
        assert checkup.proxy(local).detail.startswith("none is used")
        found = checkup.proxy(remote)
        assert (found.status, found.detail) == (
            "ok",
            f"the proxy {proxy.url} (HTTPS_PROXY) answers",
        )
    found = checkup.proxy(remote)
    assert found.status == "fail"
    assert f"{proxy.url} (HTTPS_PROXY) does not answer" in found.detail
    assert "HTTPS_PROXY" in found.remedy
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://127.0.0.1:9")
    assert checkup.proxy(remote).remedy == program_form.install("python-socks")


@pytest.mark.usefixtures("no_proxies")
def test_the_server_is_reached_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    url = PLACE.replace("wss:", "ws:")
    settings = Settings(backend=BackendSettings(kind="ws", url=url))
    with socket.create_server(("127.0.0.1", 0)) as server:
        with RecordingProxy(server.getsockname()) as proxy:
            monkeypatch.setenv("ALL_PROXY", proxy.url)
            assert checkup.network(settings).status == "ok"
        assert [line.split()[:2] for line in proxy.requests] == [["CONNECT", "example.invalid:80"]]
    with RecordingProxy() as refusing:
        monkeypatch.setenv("ALL_PROXY", refusing.url)
        found = checkup.network(settings)
    assert found.status == "fail"
    assert f"through the proxy {refusing.url} (ALL_PROXY)" in found.detail
    assert "407" in found.detail


def test_wrong_settings_fail(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUI_VOICE_AUDIO_VOLUME", "loud")
    status, found = doctor(capsys)
    assert status == 1
    assert found["settings"]["status"] == "fail"
    assert "TUI_VOICE_AUDIO_VOLUME" in found["settings"]["detail"]
    assert found["settings"]["remedy"] == "tui-voice config edit"


def test_an_api_key_is_found_but_never_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, found = doctor(capsys, "--backend", "openai")
    assert (status, found["key"]["status"]) == (1, "fail")
    assert found["key"]["remedy"] == f"{program_form.keyring_program()} set tui-voice openai"
    monkeypatch.setenv("OPENAI_API_KEY", "a-most-secret-key")
    main(["doctor", "--backend", "openai"])
    out = capsys.readouterr().out
    assert "OPENAI_API_KEY is set" in out
    assert "a-most-secret-key" not in out


def test_a_folder_that_cannot_be_created_fails(home: Path) -> None:
    assert checkup.writable("sessions", home / "a" / "b").status == "ok"
    (home / "file").touch()
    refused = checkup.writable("sessions", home / "file" / "b")
    assert refused.status == "fail"
    assert str(home / "file") in refused.remedy


@pytest.mark.parametrize(("free", "status"), [(2e9, "ok"), (5e8, "warn"), (1e6, "fail")])
def test_little_free_space_warns_or_fails(
    monkeypatch: pytest.MonkeyPatch, home: Path, free: float, status: str
) -> None:
    class Usage:
        pass

    usage: Any = Usage()
    usage.free = free
    monkeypatch.setattr(checkup.shutil, "disk_usage", lambda _path: usage)
    assert checkup.writable("sessions", home).status == status


def test_missing_engines_fail_only_where_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = util.find_spec
    monkeypatch.setattr(
        checkup, "find_spec", lambda name: None if name == "xllamacpp" else real(name)
    )
    needed = checkup.engines(Settings(backend=BackendSettings(kind="local")))
    assert (needed.status, needed.detail) == ("fail", "not installed: xllamacpp")
    assert needed.remedy == "uv run --extra local tui-voice"
    assert (
        checkup.engines(Settings(backend=BackendSettings(kind="ws", url="ws://h"))).status == "warn"
    )


@pytest.mark.local
def test_a_model_file_with_another_hash_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(backend=BackendSettings(kind="local"))
    assert "SHA-256 as tested" in checkup.engines(settings).detail
    vad = import_module("tui_voice.server.local.vad")
    wrong = type(vad.SILERO)(vad.SILERO.package, vad.SILERO.release, vad.SILERO.path, "0" * 64)
    monkeypatch.setattr(vad, "SILERO", wrong)
    found = checkup.engines(settings)
    assert found.status == "fail"
    assert found.remedy == program_form.install(wrong.release, "--force-reinstall", "--no-deps")


def test_a_chat_server_on_this_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = import_module("tui_voice.server.local.chat_probe")

    class Models(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"data": [{"id": "some-chat"}]}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Models) as server:
        place = f"127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        real = chat.find_local_chat

        def here(model: str | None = None) -> LocalChat | None:
            found: LocalChat | None = real(model, [place])
            return found

        monkeypatch.setattr(chat, "find_local_chat", here)
        try:
            found = checkup.chat_server(Settings())
        finally:
            server.shutdown()
            serving.join()
    assert found.detail == f"some-chat at http://{place}/v1"
    named = checkup.chat_server(Settings(backend=BackendSettings(llm_url="http://h/v1")))
    assert named.detail.startswith("http://h/v1")


def test_the_network_is_checked_only_with_online(capsys: pytest.CaptureFixture[str]) -> None:
    _, found = doctor(capsys)
    assert "network" not in found
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}/v1/realtime"
        _, found = doctor(capsys, "--online", "--backend", url)
        assert found["network"]["status"] == "ok"
    status, found = doctor(capsys, "--online", "--backend", url)
    assert (status, found["network"]["status"]) == (1, "fail")


@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        (200, "ok", "127.0.0.1 accepts it"),
        (401, "fail", "127.0.0.1 refuses it (HTTP 401)"),
        (404, "warn", "answers with HTTP 404"),
    ],
)
def test_the_key_in_use_is_tried_without_a_cost(
    answer: int,
    status: str,
    detail: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["authorization"]))
            self.send_response(answer)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Keeps the log out of the output of the tests."""

    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test-123456789")
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"ws://127.0.0.1:{server.server_port}/v1/realtime"
        monkeypatch.setenv("TUI_VOICE_BACKEND_URL", url)
        try:
            _, found = doctor(capsys, "--online", "--backend", "openai")
        finally:
            server.shutdown()
            thread.join()
    assert asked == [("/v1/models", "Bearer sk-of-a-test-123456789")]
    assert found["key in use"]["status"] == status
    assert detail in found["key in use"]["detail"]
    assert "sk-of" not in str(found)


@pytest.mark.sound
def test_real_devices_are_listed(
    virtual_sound: VirtualSound, capsys: pytest.CaptureFixture[str]
) -> None:
    del virtual_sound
    assert main(["devices", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(set(row) >= {"id", "name", "input", "output", "default", "rates"} for row in rows)
    defaults = {row["name"] for row in rows if row["default"]}
    assert defaults >= {"Loudspeaker", "Microphone"}
    assert main(["devices"]) == 0
    out, err = capsys.readouterr()
    assert "Microphones" in out
    assert [line for line in out.splitlines() if line.startswith("  *  Microphone")]
    assert err == ""
    found = checkup.sound_devices()
    assert found.status == "ok"
    assert "(Microphone)" in found.detail
    assert "(Loudspeaker)" in found.detail


@pytest.mark.parametrize(
    ("answer", "features"),
    [
        (b"", TerminalFeatures(key_release=False, clipboard=False)),
        (b"\x1b[?62;22c", TerminalFeatures(key_release=False, clipboard=False)),
        (b"\x1b[?0u\x1b[?62;22c", TerminalFeatures(key_release=True, clipboard=False)),
        (b"\x1b[?62;22;52c", TerminalFeatures(key_release=False, clipboard=True)),
        (b"\x1b[?62;152c", TerminalFeatures(key_release=False, clipboard=False)),
    ],
)
def test_the_answer_of_a_terminal_is_parsed(answer: bytes, features: TerminalFeatures) -> None:
    assert parse_answer(answer) == features


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_the_terminal_is_queried() -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "tui_voice", "doctor"],
        dimensions=(36, 120),
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TMUX": ""},
        timeout=60,
    )
    child.expect_exact(b"\x1b[?u\x1b[c")
    child.send(b"\x1b[?0u\x1b[?62;52c")
    child.expect_exact(b"120x36, 16 million colours, utf-8, reports key release")
    child.expect_exact(b"the terminal takes copies (OSC 52)")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus in (0, 1)


def test_the_report_has_no_key_and_nothing_that_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "sk-" + "b2" * 20
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("TUI_VOICE_BACKEND_INSTRUCTIONS", "speak of the secret garden")
    monkeypatch.setenv("TUI_VOICE_CONTEXT_KEEP", "7")
    traceback = 'Traceback\n  File "/srv/x.py", line 3, in run\nValueError: the secret garden\n'
    log_path().write_text(f"{traceback}the secret garden {key}\n")
    main(["doctor", "--json", "--report", str(tmp_path / "report.json")])
    assert "report.json" in capsys.readouterr().err
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert "secret garden" not in text
    assert key not in text
    assert str(Path.home()) not in text
    report = json.loads(text)
    assert report["errors"] == ["x.py:3 run", "ValueError"]
    assert report["settings"] == {"backend.instructions": "set", "context.keep": 7}
    assert report["versions"]["textual"][0].isdigit()
    assert {check["name"] for check in report["checks"]} >= {"python", "settings", "terminal"}
