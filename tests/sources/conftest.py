"""For all tests of sources: no network but the loopback, cassettes that only replay, and a provider on this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from provider_server import ProviderServer

HERE = Path(__file__).parent
KEY_HEADERS = ["authorization", "cookie", "set-cookie", "x-api-key", "cg-api-key", "api-key", "x-mbx-apikey"]
KEY_PARAMETERS = ["api_key", "apikey", "key", "token", "signature"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.block_network(allowed_hosts=["127\\.0\\.0\\.1", "localhost"]))


def without_cookies(response: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in response["headers"].items() if name.lower() not in KEY_HEADERS}
    return {**response, "headers": kept}


@pytest.fixture(autouse=True)
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """`block_network` blocks connections; names of other machines are not looked up either."""
    look_up = socket.getaddrinfo

    def local_only(host: Any, *more: Any, **named: Any) -> Any:
        if host not in (None, "127.0.0.1", "localhost", "::1"):
            raise socket.gaierror("Network is disabled")
        return look_up(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", local_only)


@pytest.fixture(scope="session")
def vcr_config() -> dict[str, Any]:
    """What pytest-recording plays: never records, matches on the body too, keeps no key and no cookie."""
    return {
        "record_mode": "none",
        "match_on": ["method", "scheme", "host", "port", "path", "query", "body"],
        "filter_headers": KEY_HEADERS,
        "filter_query_parameters": KEY_PARAMETERS,
        "filter_post_data_parameters": KEY_PARAMETERS,
        "before_record_response": without_cookies,
        "decode_compressed_response": True,
    }


@pytest.fixture(scope="session")
def vcr_cassette_dir() -> str:
    return str(HERE / "cassettes")


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running
