"""What is imported before the first paint, and what only when it is used."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("numpy", "openai", "websockets", "pydantic", "httpx", "sounddevice", "onnxruntime")


def test_the_session_handle_imports_no_heavy_module() -> None:
    code = (
        "import sys, tui_voice.runtime.session_handle;"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_opening_a_session_imports_neither_numpy_nor_openai() -> None:
    """They are imported when audio or a text model is used."""
    code = (
        "import sys, tui_voice.runtime.session_factory;"
        "print(*(name for name in ('numpy', 'openai', 'pydantic') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
