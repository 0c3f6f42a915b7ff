"""Which hosts a source may be asked at, and for trials a server on this machine in their place."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from sources.jobs import Job
from verify.model.errors import InputError, Unavailable


def host_map_of(text: str) -> dict[str, str]:
    """Read `VERIFY_HOST_MAP`: `host=http://127.0.0.1:8080,...`; `*` is every host. Raises `InputError`."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    return loopback({host.strip(): target.strip() for host, _, target in pairs})


def loopback(hosts: Mapping[str, str]) -> dict[str, str]:
    """The map, with every target on this machine; raises `InputError`."""
    for host, target in hosts.items():
        parts = urlsplit(target)
        try:
            inside = ip_address(parts.hostname or "").is_loopback
        except ValueError:
            inside = parts.hostname == "localhost"
        if parts.scheme != "http" or not inside:
            raise InputError(f"VERIFY_HOST_MAP leads {host} to {target!r}: only http://127.0.0.1:PORT will do")
    return {host: target.rstrip("/") for host, target in hosts.items()}


def allowed_host(url: str, job: Job) -> str:
    """The host of `url`; raises `Unavailable` where it is none of the source's, or reached without TLS."""
    parts = urlsplit(url)
    if parts.hostname not in job.spec.hosts:
        text = f"leads to {parts.hostname}, which is none of its hosts ({', '.join(job.spec.hosts)})"
        raise Unavailable(text, source=job.label)
    if parts.scheme != "https":
        raise Unavailable(f"leads to {url}, which is not encrypted", source=job.label)
    return parts.hostname
