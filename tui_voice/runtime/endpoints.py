"""Where a talk's server is, and how it is reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui_voice.realtime.link import OPENAI_URL, Target, with_query
from tui_voice.runtime.embedded import EmbeddedServer

LOCAL_MODEL = "local"


class Remote:
    """A service at a fixed address. `headers` hold the key."""

    loading = engines = ""

    def __init__(self, url: str, headers: Mapping[str, str], kind: str) -> None:
        self._target = Target(url, headers, kind)

    async def target(self) -> Target:
        return self._target

    async def stop(self) -> None:
        """Nothing of ours runs there."""


class Local:
    """The embedded server: started at the first call, and again should it have died."""

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._server = EmbeddedServer(options, self._news)
        self._url = ""
        self.loading = ""
        """What is being loaded just now, "" when all is ready."""
        self.engines = ""
        """Who hears, thinks and speaks there, once that is known."""

    def _news(self, line: str) -> None:
        kind, _, rest = line.partition(" ")
        if kind == "loading":
            self.loading = line
        elif kind == "ready:":
            self.loading, self.engines = "", rest

    async def target(self) -> Target:
        if not self._server.running:
            self.loading = ""
            await self._server.explain_end()
            self._url = await self._server.start()
        return Target(with_query(self._url, model=LOCAL_MODEL), {}, "local")

    async def stop(self) -> None:
        await self._server.stop()


def openai(model: str, key: str, url: str = "") -> Remote:
    """OpenAI, or a service that speaks as it does at `url`."""
    address = with_query(url or OPENAI_URL, model=model)
    return Remote(address, {"Authorization": f"Bearer {key}"}, "openai")


def azure(endpoint: str, deployment: str, key: str) -> Remote:
    """Azure's GA address: `wss://<resource>/openai/v1/realtime?model=<deployment>`."""
    base = endpoint.rstrip("/").replace("https://", "wss://").replace("http://", "ws://")
    path = "" if base.endswith("/openai/v1/realtime") else "/openai/v1/realtime"
    return Remote(with_query(base + path, model=deployment), {"api-key": key}, "azure")


def websocket(url: str, model: str) -> Remote:
    """Any server that speaks the Realtime protocol. No key of anybody else's goes there."""
    address = url if "model=" in url else with_query(url, model=model)
    return Remote(address, {}, "ws")
