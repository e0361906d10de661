"""Where the server of a session is: a service at a fixed address, or an embedded server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tui_voice.protocol.client import ProtocolClient
from tui_voice.protocol.session_config import Pricing, ServerSessionConfig
from tui_voice.realtime.client import RealtimeClient
from tui_voice.realtime.transport import ServerAddress, with_query
from tui_voice.runtime.embedded import EmbeddedServer


class Endpoint(Protocol):
    """Makes clients for a server, and starts and stops the server where it is an embedded one."""

    @property
    def loading(self) -> str:
        """What an embedded server is loading just now; "" otherwise."""
        ...

    @property
    def engines(self) -> str:
        """Which engines an embedded server uses; "" while that is not known."""
        ...

    async def new_client(self, config: ServerSessionConfig, pricing: Pricing) -> ProtocolClient:
        """Returns a client that is not open yet, after starting the server where that is
        necessary. Raises `TuiVoiceError`.
        """
        ...

    async def stop(self) -> None:
        """Stops the server where it is an embedded one."""
        ...


class RemoteEndpoint:
    """A service that speaks the Realtime protocol at a fixed address. `headers` hold the key;
    `key_hint`: what the user can do where it refuses the key.
    """

    loading = engines = ""

    def __init__(self, url: str, headers: Mapping[str, str], key_hint: str) -> None:
        self.address = ServerAddress(url, headers, key_hint)

    async def new_client(self, config: ServerSessionConfig, pricing: Pricing) -> ProtocolClient:
        return RealtimeClient(self.address, config, pricing)

    async def stop(self) -> None:
        """Does nothing: the service is not ours to stop."""


class EmbeddedEndpoint:
    """The embedded server. It is started for the first client, and again if it has died."""

    def __init__(self, options: Sequence[str], model: str) -> None:
        self._model = model
        self.server = EmbeddedServer(options, self._on_progress)
        self._url = ""
        self.loading = ""
        self.engines = ""
        self._ending = False

    def _on_progress(self, line: str) -> None:
        kind, _, rest = line.partition(" ")
        if kind == "loading":
            self.loading = line
        elif kind == "ready:":
            self.loading, self.engines = "", rest
        elif kind == "ending":
            self._ending = True

    async def address(self) -> ServerAddress:
        """Returns the address of the running server. Raises `BackendError` where it does not
        start.
        """
        if self._ending:  # else the next client would be refused without a reason
            await self.server.wait_for_end()
        if not self.server.running:
            self.loading, self._ending = "", False
            await self.server.explain_end()
            self._url = await self.server.start()
        return ServerAddress(with_query(self._url, model=self._model), self.server.headers)

    async def new_client(self, config: ServerSessionConfig, pricing: Pricing) -> ProtocolClient:
        return RealtimeClient(await self.address(), config, pricing)

    async def stop(self) -> None:
        await self.server.stop()
