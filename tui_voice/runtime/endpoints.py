"""Where a talk's server is, and how it is reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui_voice.realtime.link import Target, with_query
from tui_voice.runtime.embedded import EmbeddedServer


class Remote:
    """A service at a fixed address. `headers` hold the key; `key_hint`: see `Target`."""

    loading = engines = ""

    def __init__(self, url: str, headers: Mapping[str, str], key_hint: str) -> None:
        self._target = Target(url, headers, key_hint)

    async def target(self) -> Target:
        return self._target

    async def stop(self) -> None:
        """Nothing of ours runs there."""


class Local:
    """The embedded server: started at the first call, and again should it have died."""

    def __init__(self, options: Sequence[str], model: str) -> None:
        self._model = model
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
        return Target(with_query(self._url, model=self._model), {})

    async def stop(self) -> None:
        await self._server.stop()
