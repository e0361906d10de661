"""Which addresses are loopback, and which proxy an address is reached through."""

from __future__ import annotations

import pytest

from tui_voice.errors import BackendError
from tui_voice.network import async_http_client, http_client, is_loopback, proxy_for

PROXY = "http://user:secret@proxy.invalid:3128"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no", "ws", "wss", "socks"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("127.1", True),
        ("::1", True),
        ("[::1]", True),
        ("::1%lo", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("app.localhost", True),
        ("128.0.0.1", False),
        ("10.0.0.1", False),
        ("::2", False),
        ("localhost.example.com", False),
        ("127.example.com", False),
        ("api.openai.com", False),
        ("", False),
    ],
)
def test_loopback_hosts(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1"])
@pytest.mark.parametrize("scheme", ["ws", "wss", "http", "https"])
def test_loopback_never_goes_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, variable: str, host: str, scheme: str
) -> None:
    monkeypatch.setenv(variable, PROXY)
    assert proxy_for(f"{scheme}://{host}:8765/v1/realtime") is None


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("HTTPS_PROXY", "wss://example.invalid/v1/realtime"),
        ("https_proxy", "wss://example.invalid/v1/realtime"),
        ("ALL_PROXY", "wss://example.invalid/v1/realtime"),
        ("HTTP_PROXY", "ws://example.invalid/v1/realtime"),
        ("HTTPS_PROXY", "ws://example.invalid/v1/realtime"),
        ("HTTP_PROXY", "http://example.invalid/v1"),
        ("HTTPS_PROXY", "https://example.invalid/v1"),
        ("ALL_PROXY", "https://example.invalid/v1"),
    ],
)
def test_another_address_goes_through_the_proxy_and_the_proxy_can_be_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, url: str
) -> None:
    monkeypatch.setenv(variable, PROXY)
    proxy = proxy_for(url)
    assert proxy is not None
    assert proxy.url == PROXY
    assert proxy.source.upper() == variable.upper()
    assert "secret" not in str(proxy)
    assert "http://proxy.invalid:3128" in str(proxy)


def test_a_proxy_without_a_scheme_and_hosts_that_no_proxy_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", "example.invalid")
    assert proxy_for("wss://example.invalid/x") is None
    found = proxy_for("wss://other.invalid/x")
    assert found is not None
    assert found.url == "http://proxy.invalid:3128"


async def test_an_http_client_for_loopback_does_not_even_need_the_library_of_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A SOCKS proxy needs a package that is not installed."""
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:9")
    http_client("http://127.0.0.1:1/v1").close()
    await async_http_client("http://localhost:1/v1").aclose()
    with pytest.raises(BackendError, match=r"socks5h:.*ALL_PROXY.* cannot be used"):
        http_client("http://example.invalid/v1")
