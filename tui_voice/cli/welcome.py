"""What the welcome at the first start says, and whether it is shown."""

from __future__ import annotations

import argparse
from pathlib import Path

from tui_voice.config import Settings
from tui_voice.config.paths import data_dir
from tui_voice.config.program_form import in_working_form, working_form

SEEN = "welcome-seen"
"""A file in the data folder: the welcome was shown."""


def is_first_start(args: argparse.Namespace, folder: Path) -> bool:
    """Returns whether the app is started for the first time, for a new session.

    `folder`: that of the saved sessions.
    """
    if args.command or args.continue_last:
        return False
    return not (data_dir() / SEEN).exists() and not any(folder.glob("*.jsonl"))


def remember() -> None:
    """Remembers that the welcome was shown. A disk that takes no file is no error here."""
    path = data_dir() / SEEN
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError:
        return


def who_answers(settings: Settings) -> list[str]:
    """Returns in sentences who answers, where its key was found, and how to get another one.

    May ask the keyring, and a chat server on this machine: call it in a thread.
    """
    from tui_voice.runtime.backends import AUTO, BACKENDS, backend_of

    spec = backend_of(settings)
    if spec.uses_engines:
        names = [one.key.variable for one in BACKENDS.values() if one.key]
        none = f"No API key was found ({', '.join(names)}, or the system's keyring)."
        return [
            *([none] if settings.backend.kind == AUTO else []),
            "The embedded server on this machine answers: it costs nothing, and nothing leaves "
            "the machine.",
            *_engines(settings),
        ]
    if spec.key is None:
        return [f"The server at {spec.address(settings)} answers.", "It gets no API key."]
    if spec.key.in_environment():
        found = f"Its API key was found in {spec.key.variable}."
    elif spec.key.read():
        found = "Its API key was found in the system's keyring."
    else:
        found = f"Its API key was not found. Set {spec.key.variable}, or use `--backend local`."
    return [f"{spec.about} answers, with the model {spec.model(settings)}.", found]


def _engines(settings: Settings) -> list[str]:
    from tui_voice.errors import TuiVoiceError
    from tui_voice.protocol.engine_names import BUILT_IN_CHAT
    from tui_voice.server.local.engines import LocalEngines

    backend = settings.backend
    engines = LocalEngines(
        backend.llm_url, backend.llm_model, backend.llm_path, backend.stt, backend.tts
    )
    try:
        names = engines.describe()
    except TuiVoiceError as error:
        return [in_working_form(f"{error} {error.hint}")]
    if BUILT_IN_CHAT not in names:
        return [f"Its models: {names}."]
    return [
        f"Its models: {names}. The chat model is for trying the app out, and is often wrong.",
        f"`{working_form()} models list` names better ones, `models get NAME` fetches one.",
    ]
