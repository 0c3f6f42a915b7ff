"""Hyperliquid's node files from S3, whose reader pays for the transfer: streamed, never a whole file in memory.

The only module that talks S3. It needs the extra `s3` and an AWS account; what S3 says in its errors may name the
account, so that none of it is repeated.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from verify.model.errors import AuthMissing, InputError, Unavailable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Store

#: https://hyperliquid.gitbook.io/hyperliquid-docs/historical-data
BUCKET = "hl-mainnet-node-data"
#: Where others read the buckets of Hyperliquid; no document names the region.
#: https://github.com/zilayo/reth (README)
REGION = "ap-northeast-1"
#: How AWS itself hands keys to a program, one set of which must be there.
_KEYS = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
)
_CHUNK = 1 << 20
_LONGEST = "30m"  # a whole answer, which is an hour of fills


def require() -> None:
    """Raise `InputError` unless the extra is installed."""
    if find_spec("obstore") is None:
        raise InputError("--source hyperliquid:s3 needs the extra s3: pip install 'verify-figures[s3]'")


def endpoint() -> str:
    """Another S3 than AWS's, by AWS's own variables; empty for AWS. Raises `InputError` for one without encryption."""
    url = os.environ.get("AWS_ENDPOINT_URL_S3", "").strip() or os.environ.get("AWS_ENDPOINT_URL", "").strip()
    if url and urlsplit(url).scheme != "https" and not _is_here(url):
        raise InputError("AWS_ENDPOINT_URL is not https:// and not on this machine")
    return url


def opened(bucket: str, region: str = "") -> S3Store:
    """The bucket. Raises `AuthMissing` where no credentials are in the environment."""
    require()
    from obstore.store import S3Store

    if not any(all(os.environ.get(name, "").strip() for name in names) for names in _KEYS):
        raise AuthMissing(
            "needs an AWS account, which pays for the transfer: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    settings: dict[str, Any] = {"region": region or os.environ.get("AWS_REGION", "").strip() or REGION}
    client: ClientConfig = {"timeout": _LONGEST, "connect_timeout": "10s"}
    if url := endpoint():
        settings["endpoint"] = url
        client["allow_http"] = _is_here(url)
    return S3Store(
        bucket,
        request_payer=True,
        client_options=client,
        retry_config={"max_retries": 2},
        **settings,
    )


def chunks(store: Any, bucket: str, key: str) -> Iterator[bytes] | None:
    """The bytes of an object as they come; None where there is none.

    Raises `Unavailable` where S3 refuses, or the answer breaks off. `store` is any store of `obstore`.
    """
    import obstore
    from obstore.exceptions import BaseError, NotFoundError

    try:
        found = obstore.get(store, key)
    except (NotFoundError, FileNotFoundError):
        return None
    except (BaseError, OSError) as error:
        raise _failure(error, bucket, key) from None
    return _streamed(found, bucket, key)


def _streamed(found: Any, bucket: str, key: str) -> Iterator[bytes]:
    from obstore.exceptions import BaseError

    try:
        for chunk in found.stream(min_chunk_size=_CHUNK):
            yield bytes(chunk)
    except (BaseError, OSError) as error:
        raise _failure(error, bucket, key) from None


def _failure(error: Exception, bucket: str, key: str) -> Unavailable:
    """What went wrong in our own words: those of S3 may hold the name of a key."""
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

    where = f"s3://{bucket}/{key}"
    if isinstance(error, PermissionDeniedError):
        return Unavailable(
            f"{where}: S3 refused it (403): the account must be allowed to read from a bucket whose reader pays, its"
            " keys and the clock must be right; a file that is not there is refused too where listing is not allowed"
        )
    if isinstance(error, UnauthenticatedError):
        return Unavailable(f"{where}: S3 does not know the account (401): see AWS_ACCESS_KEY_ID")
    if "redirect" in str(error).lower() or "PermanentRedirect" in str(error):
        return Unavailable(f"{where}: the bucket is in another region: add ?region= to the address")
    return Unavailable(f"{where}: S3 cannot be reached, or its answer broke off")


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
