"""The services that a session can run on: one row of `BACKENDS` for each value of `backend.kind`.

To add a backend that speaks the Realtime API, write its module with a `BackendSpec` and add it to
`BACKENDS`. Settings, `--backend`, `doctor`, prices and the hints of connection errors follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tui_voice.config import ApiKey, Settings
from tui_voice.config.model import variable
from tui_voice.errors import BackendError, SettingsError

if TYPE_CHECKING:
    from tui_voice.runtime.endpoints import Endpoint

AUTO = "auto"
"""The value of `backend.kind` for which `backend_of` picks a ready row of `BACKENDS`."""


def _model_setting(settings: Settings) -> str:
    return settings.backend.model


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSpec:
    """One kind of service. A session stores the name, so it must not change."""

    name: str
    about: str
    """Who answers, in a few words."""
    endpoint: Callable[[Settings], Endpoint]
    """Makes the endpoint. Raises `BackendError` where a key or a setting is missing."""
    is_ready: Callable[[Settings], bool]
    """Whether all that it needs is there. May read the keyring, which takes about 100 ms."""
    auto_rank: int | None = None
    """`auto` picks the ready backend with the lowest rank; None: it is chosen by name alone."""
    model: Callable[[Settings], str] = _model_setting
    """Returns the name of the realtime model that is used."""
    key: ApiKey | None = None
    """None: no key is needed and none is sent."""
    needs: tuple[str, ...] = ()
    """Settings without which it cannot be reached, for example `backend.url`."""
    address: Callable[[Settings], str] = lambda _settings: ""
    """Returns the address that `doctor --online` tries, "" for none."""
    api_path: str = "/v1"
    """Path of the API at that address, where the address names none."""
    free: bool = False
    """A server of the user's own: it costs what `cost.prices` says of its model, else nothing."""
    uses_engines: bool = False
    """It needs the embedded engines (extra `local`)."""
    key_serves_text_model: bool = False
    """Its key is also valid for the text model that writes summaries (`summary.model`)."""

    @property
    def key_hint(self) -> str:
        """What to do when the service refuses the key."""
        key = self.key.variable if self.key else "the key for this server"
        return f"Check {key}, or talk offline with `--backend local`."


# ── OpenAI ───────────────────────────────────────────────────────────────────────────────────

OPENAI_KEY = ApiKey(variable="OPENAI_API_KEY", keyring_user="openai")


def _openai_endpoint(settings: Settings) -> Endpoint:
    from tui_voice.realtime.transport import OPENAI_URL, with_query
    from tui_voice.runtime.endpoints import RemoteEndpoint

    if not (key := OPENAI_KEY.read()):
        raise BackendError(
            "there is no key for OpenAI.",
            "Set OPENAI_API_KEY, or talk offline with `--backend local`.",
        )
    url = with_query(settings.backend.url or OPENAI_URL, model=settings.backend.model)
    return RemoteEndpoint(url, {"Authorization": f"Bearer {key}"}, OPENAI.key_hint)


OPENAI = BackendSpec(
    name="openai",
    auto_rank=2,
    about="OpenAI",
    endpoint=_openai_endpoint,
    is_ready=lambda _settings: bool(OPENAI_KEY.read()),
    key=OPENAI_KEY,
    address=lambda settings: settings.backend.url or "wss://api.openai.com",
    key_serves_text_model=True,
)

# ── Azure ────────────────────────────────────────────────────────────────────────────────────

AZURE_KEY = ApiKey(variable="AZURE_OPENAI_API_KEY", keyring_user="azure")
AZURE_PATH = "/openai/v1/realtime"
"""Path in the address `wss://<resource>/openai/v1/realtime?model=<deployment>`."""


def _azure_endpoint(settings: Settings) -> Endpoint:
    from tui_voice.realtime.transport import with_query
    from tui_voice.runtime.endpoints import RemoteEndpoint

    backend = settings.backend
    if not (key := AZURE_KEY.read()) or not backend.azure_endpoint:
        raise BackendError(
            "Azure needs a key and an address.",
            "Set AZURE_OPENAI_API_KEY, and azure_endpoint under [backend] in the settings.",
        )
    url = backend.azure_endpoint.rstrip("/")
    url = url.replace("https://", "wss://").replace("http://", "ws://")
    if not url.endswith(AZURE_PATH):
        url += AZURE_PATH
    url = with_query(url, model=backend.azure_deployment or backend.model)
    return RemoteEndpoint(url, {"api-key": key}, AZURE.key_hint)


AZURE = BackendSpec(
    name="azure",
    auto_rank=3,
    about="Azure OpenAI",
    endpoint=_azure_endpoint,
    is_ready=lambda settings: (
        bool(settings.backend.azure_endpoint) and AZURE_KEY.read() is not None
    ),
    key=AZURE_KEY,
    needs=("backend.azure_endpoint",),
    address=lambda settings: settings.backend.azure_endpoint or "",
    api_path=AZURE_PATH.removesuffix("/realtime"),
)

# ── the embedded server ──────────────────────────────────────────────────────────────────────

LOCAL_MODEL = "local"


def _local_endpoint(settings: Settings) -> Endpoint:
    from tui_voice.runtime.endpoints import EmbeddedEndpoint

    backend = settings.backend
    options: list[str] = []
    for flag, value in (
        ("--llm-url", backend.llm_url),
        ("--llm-model", backend.llm_model),
        ("--llm-path", backend.llm_path),
        ("--stt", backend.stt),
        ("--tts", backend.tts),
    ):
        if value:
            options += [flag, str(value)]
    if settings.audio.text_only:
        options.append("--speech-on-demand")
    return EmbeddedEndpoint(options, LOCAL_MODEL)


LOCAL = BackendSpec(
    name="local",
    auto_rank=4,
    about="the embedded server",
    endpoint=_local_endpoint,
    is_ready=lambda _settings: True,
    model=lambda _settings: LOCAL_MODEL,
    free=True,
    uses_engines=True,
)

# ── any other server that speaks the protocol ────────────────────────────────────────────────


def _websocket_endpoint(settings: Settings) -> Endpoint:
    from tui_voice.realtime.transport import with_query
    from tui_voice.runtime.endpoints import RemoteEndpoint

    url = settings.backend.url or ""
    if "model=" not in url:
        url = with_query(url, model=settings.backend.model)
    return RemoteEndpoint(url, {}, WEBSOCKET.key_hint)  # a key of another service never goes there


WEBSOCKET = BackendSpec(
    name="ws",
    auto_rank=1,
    about="the server at backend.url",
    endpoint=_websocket_endpoint,
    is_ready=lambda settings: bool(settings.backend.url),
    needs=("backend.url",),
    address=lambda settings: settings.backend.url or "",
    free=True,
)

BACKENDS: dict[str, BackendSpec] = {spec.name: spec for spec in (OPENAI, AZURE, LOCAL, WEBSOCKET)}


def backend_of(settings: Settings) -> BackendSpec:
    """Returns the backend that is used; `auto` is decided. May read the keyring."""
    if settings.backend.kind != AUTO:
        return BACKENDS[settings.backend.kind]
    ranked = [(spec.auto_rank, spec) for spec in BACKENDS.values() if spec.auto_rank is not None]
    ranked.sort(key=lambda row: row[0])
    return next(spec for _, spec in ranked if spec.is_ready(settings))


def with_chosen_backend(settings: Settings) -> Settings:
    """Returns the settings with `auto` decided, so that the keyring is not asked again for that."""
    chosen = backend_of(settings).name
    return replace(settings, backend=replace(settings.backend, kind=chosen))


def backend_names() -> tuple[str, ...]:
    """Returns the allowed values of `backend.kind`."""
    return (AUTO, *BACKENDS)


def check_needs(settings: Settings) -> None:
    """Raises `SettingsError` where the chosen backend lacks a setting that it needs."""
    kind = settings.backend.kind
    for needed in BACKENDS[kind].needs if kind in BACKENDS else ():
        if not settings.value(needed):
            raise SettingsError(
                f'{settings.origin("backend.kind")}: backend.kind is "{kind}", and {needed} is '
                "not set.",
                f"Set {needed}, in the file or as {variable(needed)}.",
            )


def keys_to_hide(settings: Settings) -> list[str]:
    """Returns the keys that this session may read, which must never be written to a journal."""
    sources = {backend_of(settings).key, OPENAI_KEY if uses_text_model(settings) else None}
    return [key for source in sources if source is not None and (key := source.read())]


def uses_text_model(settings: Settings) -> bool:
    """Returns whether `summary.model` at OpenAI may write the summaries."""
    by = settings.summary.by
    return by == "model" or (by == AUTO and backend_of(settings).key_serves_text_model)
