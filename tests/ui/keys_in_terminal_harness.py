"""The app in a pseudo-terminal, with a session in its own process that records what is sent.

`python -m tests.ui.keys_in_terminal_harness FILE` runs the app. Each typed turn is appended to FILE
as one line of JSON; "open" and "closed" record the talk key. `RecordingTerminal` starts that. A
turn that begins with "answer" has a reply once there is a file of this name (`answer`).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.terminal_harness import TerminalProgram
from tests.ui.scripted_session_harness import ScriptedSession, session_opened
from tui_voice.conversation import events as e


class RecordingTerminal(TerminalProgram):
    """Writes keys to the app, and reads what it has sent."""

    def __init__(
        self,
        folder: Path,
        *,
        opening_s: float = 0.0,
        options: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`opening_s`: how long it takes until the session is open. `options`: of the app."""
        self._sent = folder / "sent.jsonl"
        home = {"HOME": str(folder), "TUI_VOICE_SESSIONS_DIR": str(folder / "saved")}
        env = {**os.environ, **home, **(env or {})}
        given = json.dumps(dict(options or {}))
        arguments = ["-m", __spec__.name, str(self._sent), str(opening_s), given]
        super().__init__(arguments, env, 100, 30, command=(sys.executable,))

    def write(self, chunks: Sequence[str], pause_s: float = 0.0) -> None:
        """Writes each chunk at once. What the app draws is read meanwhile."""
        for chunk in chunks:
            self.process.send(chunk)
            deadline = time.monotonic() + pause_s
            self._read(pause_s)
            while time.monotonic() < deadline:
                self._read(deadline - time.monotonic())

    @property
    def sent(self) -> list[str]:
        """All turns sent so far, and what the talk key did."""
        if not self._sent.exists():
            return []
        return [json.loads(line) for line in self._sent.read_text().splitlines()]

    def answer(self, text: str) -> None:
        """Lets the reply to a turn come half a second from now, and waits for it."""
        time.sleep(0.5)  # what was written to the terminal has been read
        self._sent.with_name(text).touch()
        self.wait_for(f"You said: {text}.")
        self.wait_until_still()

    def wait_for_sent(self, wanted: Sequence[str], seconds: float = 30.0) -> None:
        """Waits until as much has been sent, and compares it."""
        self.wait_until(lambda: len(self.sent) >= len(wanted), f"{len(wanted)} sent", seconds)
        assert self.sent == list(wanted)


def _run(path: Path, opening_s: float, options: Mapping[str, Any]) -> None:
    from tui_voice.ui.app import VoiceApp
    from tui_voice.ui.options import AppOptions

    class Recorded(ScriptedSession):
        def post(self, event: Any) -> None:
            match event:
                case e.TextSubmitted(text=text):
                    self._write(text)
                    if text.startswith("answer"):
                        threading.Thread(target=self._answer, args=[text], daemon=True).start()
                case e.TalkPressed():
                    self._write("open")
                case e.TalkReleased():
                    self._write("closed")
            super().post(event)

        def _answer(self, text: str) -> None:
            while not path.with_name(text).exists():
                time.sleep(0.05)
            number = len(self.snapshot.ledger.turns)
            response = f"r{number}"
            self.deliver(e.ResponseStarted(response_id=response))
            self.deliver(
                e.TurnAdded(item_id=f"a{number}", role="assistant"),
                e.TranscriptDone(item_id=f"a{number}", text=f"You said: {text}."),
                e.ResponseDone(response_id=response),
            )

        def _write(self, text: str) -> None:
            with path.open("a") as file:
                file.write(json.dumps(text) + "\n")

    def open_handle(_id: str | None) -> ScriptedSession:
        time.sleep(opening_s)
        session = Recorded()
        session.deliver(*session_opened())
        return session

    VoiceApp(open_handle, AppOptions(sessions=path.parent / "saved", **options)).run()


if __name__ == "__main__":
    _run(Path(sys.argv[1]), float(sys.argv[2]), json.loads(sys.argv[3]))
