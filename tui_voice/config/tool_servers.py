"""The tables `[tools.NAME]`: servers of the Model Context Protocol (MCP), whose functions are
offered to the model.

    [tools.files]
    command = "mcp-server-filesystem"
    args = ["/notes"]
    allow = "ask"
    functions.read_file = "always"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from tui_voice.config.sources import EDIT_HINT, nearest
from tui_voice.errors import SettingsError

if TYPE_CHECKING:
    from typing import Annotated

    from msgspec import Meta

    from tui_voice.config.value_types import Allow, HttpAddress, NonEmptyText


@dataclass(frozen=True)
class ToolServer:
    """One server: a command that is started, or the address of one that runs."""

    command: NonEmptyText | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables for the command. `${NAME}` in a value is replaced by our variable."""
    url: HttpAddress | None = None
    """Address of a server over Streamable HTTP."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """HTTP headers for `url`. `${NAME}` is replaced as in `env`."""
    allow: Allow = "ask"
    """Whether the model may call a function: each call is asked for, always, or never."""
    functions: Mapping[str, Allow] = field(default_factory=dict)
    """The same for single functions, by name."""
    timeout_s: Annotated[float, Meta(ge=1, le=3600)] = 60.0
    """Seconds after which a call is given up."""
    result_limit: Annotated[int, Meta(ge=100, le=1_000_000)] = 8_000
    """Characters of a result that the model gets; the rest is left out."""

    def permission(self, function: str) -> Allow:
        """Returns what is allowed for a function."""
        return self.functions.get(function, self.allow)


def tool_servers(table: object, origin: str) -> dict[str, ToolServer]:
    """Returns the servers in the table `tools` of a settings file. Raises SettingsError.

    `origin`: the file, for messages.
    """
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise _wrong(f"{origin}: tools is no table of [tools.NAME] tables.")
    return {name: _server(inner, f"{origin}: [tools.{name}]") for name, inner in table.items()}


def _server(table: object, origin: str) -> ToolServer:
    from typing import get_type_hints

    import msgspec

    from tui_voice.config import value_types

    if not isinstance(table, dict):
        raise _wrong(f"{origin} is no table.")
    known = {one.name for one in fields(ToolServer)}
    if unknown := sorted(set(table) - known):
        raise _wrong(f"{origin}: there is no setting {unknown[0]}.{nearest(unknown[0], known)}")
    kinds = get_type_hints(ToolServer, vars(value_types), include_extras=True)
    values: dict[str, Any] = {}
    for name, value in table.items():
        try:
            values[name] = msgspec.convert(value, kinds[name])
        except msgspec.ValidationError as error:
            raise _wrong(f"{origin}: {name} is not allowed: {error}.") from None
    server = ToolServer(**values)
    if (server.command is None) == (server.url is None):
        raise _wrong(f"{origin} needs either command or url.")
    return server


def _wrong(text: str) -> SettingsError:
    return SettingsError(text, EDIT_HINT)
