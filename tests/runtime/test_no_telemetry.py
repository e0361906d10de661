"""The libraries' own telemetry is off, in whichever way the program is entered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ENTRANCES = ("tui_voice", "tui_voice.__main__", "tui_voice.server.local.moonshine")


@pytest.mark.parametrize("module", ENTRANCES)
def test_onnxruntime_is_told_to_send_nothing_before_it_is_imported(
    module: str, tmp_path: Path
) -> None:
    """Also where the user's environment says otherwise, and in child processes."""
    code = (
        f"import sys, {module}; assert 'onnxruntime' not in sys.modules; import subprocess;"
        "subprocess.run([sys.executable, '-c', 'import os;"
        'print(os.environ["ORT_DISABLE_TELEMETRY"])\'], check=True)'
    )
    environment = {"HOME": str(tmp_path), "ORT_DISABLE_TELEMETRY": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["1"]
