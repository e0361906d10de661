"""A device that is unplugged while the devices are listed: the process of the app goes on."""

import subprocess
import sys

import pytest

from tests.requirements_harness import require_package
from tests.sound_server_harness import VirtualSound

pytestmark = pytest.mark.sound

LISTED_WHILE_UNPLUGGED = """
import subprocess
from tui_voice.audio import via_miniaudio

class Library:
    def __getattr__(self, name):
        return getattr(library, name)

    def ma_context_get_devices(self, *arguments):
        answer = library.ma_context_get_devices(*arguments)
        subprocess.run(["pactl", "unload-module", "module-null-sink"], check=True)
        return answer

library, via_miniaudio.lib = via_miniaudio.lib, Library()
print(*(device.id for device in via_miniaudio.Miniaudio().devices()))
"""


def test_a_device_unplugged_while_devices_are_listed_ends_no_process(
    virtual_sound: VirtualSound,
) -> None:
    require_package("miniaudio")
    virtual_sound.plug_in("headset", sink=True)
    listed = subprocess.run(
        [sys.executable, "-c", LISTED_WHILE_UNPLUGGED], capture_output=True, text=True, check=False
    )
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "headset" in listed.stdout
