"""The model of a chat server calls a function of a tool server, which the user allows on the
screen: the app, the embedded server, the tool server and the chat server are real processes.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.app_harness import StartApp
from tests.requirements_harness import require
from tests.server.local.http_harness import chunk, serving, stream

pytestmark = pytest.mark.local
ANSWER = "In Uji it has 21 degrees."


def test_a_function_is_called_after_the_user_has_allowed_it(
    start_app: StartApp, tmp_path: Path
) -> None:
    require(find_spec("mcp") is not None, "the extra `tools` is not installed")
    requests: list[list[dict[str, Any]]] = []

    def answer(path: str, data: bytes) -> tuple[int, str, bytes]:
        if path.endswith("/models"):
            models = {"object": "list", "data": [{"id": "scripted", "object": "model"}]}
            return 200, "application/json", json.dumps(models).encode()
        body = json.loads(data)
        messages = body["messages"]
        offered = [tool["function"]["name"] for tool in body.get("tools", ())]
        if "own_weather" not in offered:  # a title
            return stream(chunk(content="Weather"))
        requests.append(messages)
        if any(message["role"] == "tool" for message in messages):
            return stream(chunk(content=ANSWER))
        function = {"name": "own_weather", "arguments": '{"city": "Uji"}'}
        return stream(chunk(tool_calls=[{"index": 0, "id": "c1", "function": function}]))

    settings = tmp_path / "home" / ".config" / "tui-voice" / "config.toml"
    settings.parent.mkdir(parents=True)
    command = json.dumps(sys.executable)
    settings.write_text(
        f'[tools.own]\ncommand = {command}\nargs = ["-m", "tests.runtime.tool_server_harness"]\n',
        encoding="utf-8",
    )
    with serving(answer) as address:
        app = start_app("--text", "--backend", "local", "--llm-url", f"http://{address}/v1")
        app.submit("What is the weather in Uji?")
        app.wait_for("May the model call weather?", 90)
        app.wait_for('{"city": "Uji"}')
        assert app.events("tool_called")[0]["tool"] == "own_weather"
        assert not [one for one in app.events("tool_answered") if not one.get("interim")]
        app.press("down", "enter")
        app.wait_until_shown(ANSWER)
        assert app.shows("Uji: 21 degrees, no sky given"), "the result is in the transcript"
        app.wait_for_state("idle")
        app.quit()
    said = [message for message in requests[-1] if message["role"] in ("tool", "system")]
    assert any("Uji: 21 degrees" in str(message["content"]) for message in said)
