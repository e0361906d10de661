"""How the program is started here: `tui-voice`, `uv run tui-voice`, or by Python."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

PLAIN = "tui-voice"


def working_form(env: Mapping[str, str] | None = None) -> str:
    """Returns what a user types to start the program again, from the folder in which it runs.

    `uv run` puts the project's programs on the PATH of what it starts only, so there `tui-voice`
    alone is found only if it is installed elsewhere, too. `env`: used instead of the environment.
    """
    env = os.environ if env is None else env
    own = Path(sys.executable).parent
    path = env.get("PATH", "")
    if "UV_RUN_RECURSION_DEPTH" not in env:
        return PLAIN if shutil.which(PLAIN, path=path) else f"{Path(sys.executable)} -m tui_voice"
    others = [folder for folder in path.split(os.pathsep) if folder and Path(folder) != own]
    return PLAIN if shutil.which(PLAIN, path=os.pathsep.join(others)) else f"uv run {PLAIN}"
