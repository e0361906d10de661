"""The tables `[tools.NAME]` of the settings file: what they give, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui_voice.config import load
from tui_voice.errors import SettingsError


def test_servers_are_read_with_their_permissions(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[tools.files]\ncommand = "mcp-server"\nargs = ["--root", "/notes"]\n'
        'env = { KEY = "${MY_KEY}" }\nfunctions.read = "always"\nfunctions.delete = "never"\n'
        '[tools.web]\nurl = "https://tools.example/mcp"\nallow = "always"\ntimeout_s = 5\n'
    )
    tools = load(env={}, path=path).tools
    assert list(tools) == ["files", "web"]
    files, web = tools["files"], tools["web"]
    assert (files.command, files.args, files.env) == (
        "mcp-server",
        ("--root", "/notes"),
        {"KEY": "${MY_KEY}"},
    )
    asked = [files.permission(name) for name in ("read", "delete", "list")]
    assert asked == ["always", "never", "ask"]
    assert (web.url, web.permission("list"), web.timeout_s) == (
        "https://tools.example/mcp",
        "always",
        5,
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tools = 3", "tools is no table of [tools.NAME] tables."),
        ("[tools]\nx = 3", "[tools.x] is no table."),
        ("[tools.x]", "[tools.x] needs either command or url."),
        (
            '[tools.x]\ncommand = "a"\nurl = "http://h/mcp"',
            "[tools.x] needs either command or url.",
        ),
        ('[tools.x]\ncomand = "a"', "there is no setting comand. Did you mean command?"),
        ('[tools.x]\ncommand = "a"\nallow = "maybe"', "[tools.x]: allow is not allowed:"),
        ('[tools.x]\nurl = "ftp://h"', "[tools.x]: url is not allowed:"),
        ('[tools.x]\ncommand = "a"\nfunctions.f = 1', "[tools.x]: functions is not allowed:"),
    ],
)
def test_a_table_that_is_not_allowed_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load(env={}, path=path)
    assert sentence in str(refused.value)
    assert "tui-voice config edit" in refused.value.hint
