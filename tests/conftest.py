"""Fixtures that the tests of several packages use."""

import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings

from tests.e2e.server_harness import InspectingProxy, ServerProcess
from tests.patience_harness import LOWER_PRIORITY, slowness
from tests.requirements_harness import require
from tests.sound_server_harness import VirtualSound, missing
from tui_voice.conversation.policies import POLICIES
from tui_voice.lab.policies import LAB_POLICIES
from tui_voice.signals import ENDING

POLICIES.update(LAB_POLICIES)  # as the command line does

# Without compiled files, each process that a test starts compiles Textual, openai and all the rest
# again, which takes a second of processor time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A worker of pytest-xdist has these variables (80 and 24). They would override the size of every
# pseudo-terminal in which a test starts the app.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)

# The tests neither read nor write what the user of this machine has: settings, keys, sessions, the
# mark that the welcome was seen. uv keeps its cache: else `test_package` would download it again.
_FOR_TESTS = {
    f"TUI_VOICE_{name}" for name in ("ALL_FAULTS", "KILLS", "SEED", "TEST_WAIT_S", "WATCHED_S")
}
for name in set(os.environ) - _FOR_TESTS:
    if name.startswith(("TUI_VOICE_", "OPENAI_", "AZURE_")):
        del os.environ[name]
_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
os.environ.setdefault("UV_CACHE_DIR", str(_cache / "uv"))
_home = tempfile.mkdtemp(prefix="tui-voice-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
for name in ("CONFIG", "DATA", "STATE", "CACHE"):
    os.environ[f"XDG_{name}_HOME"] = str(Path(_home, name.lower()))

# hypothesis would fail an example that takes more than 200 ms, as it does on a busy machine.
settings.register_profile(
    "busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy")

# A shell starts a background job with SIGINT ignored, and `nohup` with SIGHUP ignored. The programs
# that the tests start would inherit that, and not end on these signals.
for signum in ENDING:
    if signal.getsignal(signum) is signal.SIG_IGN:
        signal.signal(signum, signal.SIG_DFL)


# A test process has about 600,000 objects, most of them in caches of Textual. To look through all
# of them for garbage as often as Python does by default took a third of the time of screen tests.
gc.set_threshold(20_000, 20, 20)

TERSE = 16
"""Tokens of a reply where its words do not matter. By itself the small chat model says up to 60."""

_lowered = False


def pytest_xdist_auto_num_workers() -> int:
    """Returns the number of test processes: one for sound, one a core, one for while these wait."""
    return min(os.cpu_count() or 1, 4) + 2


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in its own hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests with real-time sound into one group, and the slow ones before the rest.

    `--dist loadgroup` runs a group in one process, the largest group first: two tests with sound at
    once would disturb each other, and engines are loaded once for all tests that share them. With
    the slow tests first, all processes end at about the same time. The files of the rest are mixed:
    tests of the screen mostly wait, others mostly compute.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if item.get_closest_marker("sound") or "virtual_sound" in fixtures:
            item.add_marker(pytest.mark.xdist_group("sound"))
        elif "engines" in fixtures or "chat_server" in fixtures:
            item.add_marker(pytest.mark.xdist_group("engines"))
        elif "embedded_server" in fixtures:
            item.add_marker(pytest.mark.xdist_group("embedded server"))
    items.sort(
        key=lambda item: (item.get_closest_marker("slow") is None, crc32(item.path.name.encode()))
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Gives every test more time on a slow machine, those with a time of their own included."""
    usual = float(session.config.getini("timeout"))
    factor = slowness()
    for item in session.items:
        marker = item.get_closest_marker("timeout")
        seconds = float(marker.args[0]) if marker is not None else usual
        item.add_marker(pytest.mark.timeout(seconds * factor), append=False)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Lets tests with real-time sound go before all others: the other processes are lowered.

    A process cannot raise its priority again, so it is lowered at its first test without sound.
    """
    global _lowered
    if "PYTEST_XDIST_WORKER" not in os.environ or _lowered or not hasattr(os, "nice"):
        return
    group = item.get_closest_marker("xdist_group")
    if group is None or group.args != ("sound",):
        os.nice(LOWER_PRIORITY)
        _lowered = True


@pytest.fixture
def virtual_sound(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualSound]:
    """A private sound server that this process and its children use until the test ends."""
    lacking = missing()
    require(not lacking, f"no virtual sound: {', '.join(lacking)} missing (apt: pulseaudio)")
    with VirtualSound() as sound:
        for variable, value in sound.client_env.items():
            monkeypatch.setenv(variable, value)
        yield sound


@pytest.fixture
def terse_server(embedded_server: str) -> Iterator[InspectingProxy]:
    """A proxy before the embedded server with replies of at most `TERSE` tokens."""
    proxy = InspectingProxy(embedded_server, reply_tokens=TERSE)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[str]:
    """The address of one embedded server for all tests that are about its clients: to load its
    engines takes 1 s of processor time, and those for speech another 1 s.
    """
    process = ServerProcess(os.environ)
    yield process.url
    process.close()
