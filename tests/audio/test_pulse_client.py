"""libpulse connects without shared memory, and with the settings of the user."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.requirements_harness import require_package
from tests.sound_server_harness import VirtualSound

LISTING = """
from pathlib import Path
from tui_voice.audio.devices import load_driver

driver = load_driver("miniaudio")
print(*(device.id for device in driver.devices()))
stream = driver.open_output(None, lambda *_: b"", stopped=lambda: None)
maps = Path("/proc/self/maps").read_text()
print("memfd:pulse" in maps or "/dev/shm/pulse" in maps)
stream.close()
"""


@pytest.mark.sound
@pytest.mark.parametrize("by", ["home", "variable"])
def test_the_user_s_server_is_reached_without_shared_memory(
    virtual_sound: VirtualSound, tmp_path: Path, by: str
) -> None:
    """The address is in the user's settings file, and the cookie in a file of the folder beside it,
    as in a user's home or as a variable names it."""
    require_package("miniaudio")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PULSE_")}
    env |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    settings = tmp_path / "config/pulse/client.conf"
    if by == "variable":
        settings = tmp_path / "own.conf"
        env["PULSE_CLIENTCONFIG"] = str(settings)
    beside = settings.with_name(f"{settings.name}.d")
    beside.mkdir(parents=True)
    address = virtual_sound.client_env["PULSE_SERVER"]
    settings.write_text(f"default-server = {address}\nenable-shm = yes\n", encoding="utf-8")
    cookie = virtual_sound.client_env["PULSE_COOKIE"]
    (beside / "cookie.conf").write_text(f"cookie-file = {cookie}\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", LISTING], env=env, capture_output=True, text=True, check=True
    )
    devices, shares_memory = ran.stdout.splitlines()
    assert "tui_mic" in devices.split()
    assert shares_memory == "False"
