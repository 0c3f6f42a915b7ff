"""Keys: read from the environment by declared name, sent as headers, kept out of everything else."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from sources.spec import SourceSpec
from verify.model.errors import AuthMissing

#: Shorter values are no keys, and would be found (and blotted out) all over an honest answer.
_SHORTEST = 8


class Secrets:
    """The keys of the sources of a run. Its repr shows none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._known: dict[str, str] = {}

    def headers(self, spec: SourceSpec, label: str) -> dict[str, str]:
        """The headers that carry the keys of `spec`. Raises `AuthMissing` naming the variable that is not set."""
        sent: dict[str, str] = {}
        for position, name in enumerate(spec.auth):
            value = self._environment.get(name, "").strip()
            if not value and spec.key_optional:
                continue
            if not value:
                raise AuthMissing(f"needs a key: set {name}", source=label)
            if len(value) < _SHORTEST or not value.isascii() or not value.isprintable():
                raise AuthMissing(f"{name} does not hold a key", source=label)
            self._known[name] = value
            if spec.own_node and position == 0:
                _require_node(value, name, label)
                continue
            header = spec.auth_headers[position] if spec.auth_headers else "Authorization: Bearer {}"
            field, _, form = header.partition(":")
            sent[field.strip()] = (form.strip() or "{}").replace("{}", value)
        return sent

    def node(self, spec: SourceSpec) -> str:
        """The URL of the user's own node, which `headers` has checked."""
        return self._known[spec.auth[0]]

    def scrub(self, text: str) -> str:
        """`text` with every known key, also as written in URLs and base64, replaced by its name."""
        return self.scrub_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def scrub_bytes(self, data: bytes) -> bytes:
        for name, value in self._known.items():
            raw = value.encode()
            for form in dict.fromkeys((raw, quote(value, safe="").encode(), base64.b64encode(raw))):
                data = data.replace(form, f"[{name}]".encode())
        return data


def _require_node(url: str, name: str, label: str) -> None:
    """Raise `AuthMissing` unless `url` is encrypted, or leads to this machine."""
    parts = urlsplit(url)
    try:
        here = ip_address(parts.hostname or "").is_loopback
    except ValueError:
        here = parts.hostname == "localhost"
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and here)):
        raise AuthMissing(f"{name} is no https:// URL of a node", source=label)
