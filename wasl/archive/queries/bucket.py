"""The second store: objects in a bucket (S3), of which a range is read and a prefix listed; services put them once."""

import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import obstore
from django.conf import settings
from obstore.exceptions import BaseError
from obstore.store import S3Store

from wasl.archive import rules

PIECE = 1 << 20
CONNECT, ANSWER, RETRY = timedelta(seconds=5), timedelta(seconds=30), timedelta(seconds=20)
TRIES = 3
FAILURES = (BaseError, ValueError, OSError)  # what obstore raises

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bucket:
    """The bucket that the settings name; keys are ours, and begin with the prefix of the settings."""

    store: S3Store
    prefix: str

    @classmethod
    def ours(cls) -> "Bucket | None":
        """The bucket of this instance; None where images lie in folders alone."""
        if not settings.S3_URL:
            return None
        store = _store(settings.S3_URL, settings.S3_BUCKET, settings.S3_REGION, settings.S3_KEY, settings.S3_SECRET)
        return cls(store, settings.S3_PREFIX)

    def at(self, key: str) -> str:
        """The whole name of an object."""
        return f"{self.prefix}/{key}" if self.prefix else key

    def get(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """Some bytes of an object, piece by piece; fewer where it ends before, and damaged ones where it is damaged.

        Raises FileNotFoundError where there is no such object, BucketFailed when the bucket does not answer.
        """
        try:
            options: obstore.GetOptions = {"range": (offset, offset + length)}
            for piece in obstore.get(self.store, self.at(key), options=options).stream(PIECE):
                yield bytes(piece)
        except FileNotFoundError:
            raise
        except FAILURES as error:
            raise self.failed("gave nothing", error) from error

    def size(self, key: str) -> int | None:
        """The bytes of an object; None where there is none. Raises BucketFailed."""
        try:
            return obstore.head(self.store, self.at(key))["size"]
        except FileNotFoundError:
            return None
        except FAILURES as error:
            raise self.failed("does not answer", error) from error

    def listed(self, prefix: str) -> Iterator[tuple[str, int]]:
        """The objects whose key begins so: keys without our prefix, and sizes in bytes. Raises BucketFailed."""
        try:
            for chunk in obstore.list(self.store, self.at(prefix)):
                for found in chunk:
                    yield found["path"].removeprefix(self.at("")), found["size"]
        except FAILURES as error:
            raise self.failed("lists nothing", error) from error

    @staticmethod
    def failed(what: str, error: Exception) -> rules.BucketFailed:
        """The refusal for what the bucket did; the log names the kind of error alone: its text may hold addresses."""
        log.warning("The bucket %s: %s.", what, type(error).__name__)
        return rules.BucketFailed()


@functools.lru_cache(maxsize=4)
def _store(url: str, bucket: str, region: str, key: str, secret: str) -> S3Store:
    return S3Store(
        bucket, endpoint=url, region=region, access_key_id=key, secret_access_key=secret,
        client_options={
            "allow_http": url.startswith("http://"), "connect_timeout": CONNECT, "timeout": ANSWER,
        },
        retry_config={"max_retries": TRIES, "retry_timeout": RETRY},
    )  # fmt: skip
