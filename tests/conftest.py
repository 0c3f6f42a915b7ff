"""For all tests: no network unless a test asks for the loopback, and a clock, zone and locale that do not matter."""

from __future__ import annotations

import pytest
from hypothesis import settings

# how long an example takes says more about the machine than about the code
settings.register_profile("verify", deadline=None)
settings.load_profile("verify")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches a provider by accident; tests of the whole program against the loopback server unset this."""
    monkeypatch.setenv("VERIFY_OFFLINE", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is slow runs last."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
