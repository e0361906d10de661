"""What a screen loads before it paints."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("numpy", "openai", "websockets", "pydantic", "httpx", "sounddevice", "onnxruntime")


def test_the_door_is_light() -> None:
    code = (
        "import sys, tui_voice.runtime.session_handle;"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_opening_a_talk_needs_no_numpy_and_no_openai() -> None:
    """Sound and text models are loaded when they are used."""
    code = (
        "import sys, tui_voice.runtime.session_factory;"
        "print(*(name for name in ('numpy', 'openai', 'pydantic') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
