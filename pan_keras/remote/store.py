"""A bucket or host of remote storage, read and written with retries."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pan_keras.errors import UserError
from pan_keras.remote.addresses import address_of

ATTEMPTS = 5
PAUSE = 0.25  # seconds before the second attempt; doubled each time
READ_TIMEOUT = 30  # seconds without a byte
BLOCK = 16 << 20  # bytes per request of a large object, so that an attempt repeats no more
ACCESS = {
    "s3": "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or use a role with access",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or use a service account with access",
}
NETWORK = {
    "s3": "check the network, AWS_REGION and AWS_ENDPOINT_URL",
    "gs": "check the network",
}

Found = TypeVar("Found")


class MissingObject(UserError):  # noqa: N818, the name says the state of the object
    """An address without an object; the message names it."""


class ObjectState(NamedTuple):
    """Size and modification time of an object.

    Attributes:
        size: Bytes.
        changed: Nanoseconds since 1970, whole seconds.
    """

    size: int
    changed: int


class RemoteStore:
    """The objects of a bucket or host.

    Credentials, region and endpoint are those of the environment, as for other programs of the
    provider. A failed request is repeated with growing pauses; what still fails is one sentence.

    Args:
        scheme: `s3`, `gs`, `https` or `http`.
        place: Name of the bucket or host.
    """

    def __init__(self, scheme: str, place: str):
        from obstore.store import GCSStore, HTTPStore, S3Store  # noqa: PLC0415

        self.scheme = scheme
        self.place = place
        # The credentials of Google may name another server, such as an emulator.
        insecure = scheme in ("http", "gs") or _endpoint().startswith("http://")
        options: dict[str, Any] = {
            "client_options": {
                "timeout": timedelta(hours=1),
                "read_timeout": timedelta(seconds=READ_TIMEOUT),
                "connect_timeout": timedelta(seconds=10),
                "allow_http": insecure,
            },
            # Attempts are counted here, since broken transfers have to be repeated too.
            "retry_config": {"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
        }
        if scheme == "s3":
            self._store: Any = S3Store(place, **options)
        elif scheme == "gs":
            self._store = GCSStore(place, **options)
        else:
            self._store = HTTPStore.from_url(f"{scheme}://{place}", **options)

    def state(self, key: str) -> ObjectState:
        """Asks for the state of an object.

        Args:
            key: Its name in the bucket.
        """
        return _state(self._attempt(key, lambda: self._store.head(key)))

    def objects(self, prefix: str) -> Iterator[tuple[str, ObjectState]]:
        """Lists the objects below a prefix.

        Args:
            prefix: A folder of the bucket.
        """
        if self.scheme not in ("s3", "gs"):
            raise UserError(
                f"{self._address(prefix)}: folders cannot be listed over {self.scheme}; name a CSV "
                "file of the clips, or a folder of shards"
            )
        last: str | None = None
        stream: Any = None

        def following() -> Any:
            nonlocal stream
            try:
                # A list that breaks off is continued behind the last object.
                stream = stream or self._store.list(prefix or None, offset=last, chunk_size=1000)
                return next(stream, ())
            except BaseException:
                stream = None
                raise

        while chunk := self._attempt(prefix, following):
            for meta in chunk:
                last = meta["path"]
                yield meta["path"], _state(meta)

    def download(self, key: str, file: Path, state: ObjectState) -> None:
        """Writes an object into a file.

        Args:
            key: Its name in the bucket.
            file: The file.
            state: The expected state.

        Raises:
            UserError: If it changed meanwhile, or cannot be read.
        """
        with file.open("wb") as stream:
            for start in range(0, state.size, BLOCK):
                end = min(start + BLOCK, state.size)
                whole = state.size <= BLOCK
                block = self._attempt(key, lambda: self._block(key, start, end, whole))  # noqa: B023
                stream.write(block)
        if state.size > BLOCK and self.state(key) != state:
            raise UserError(f"{self._address(key)}: changed while it was read; run it again")

    def names(self, prefix: str) -> list[str]:
        """Lists the objects and folders directly below a folder by name.

        Args:
            prefix: The folder.
        """
        found = self._attempt(prefix, lambda: self._store.list_with_delimiter(prefix))
        keys = [*found["common_prefixes"], *(meta["path"] for meta in found["objects"])]
        return sorted(key.removeprefix(prefix).strip("/") for key in keys)

    def write(self, key: str, file: Path) -> None:
        """Writes a file into an object.

        Args:
            key: Its name in the bucket.
            file: The file.

        Raises:
            UserError: If it cannot be written.
        """
        self._attempt(key, lambda: self._store.put(key, file), "written")

    def write_new(self, key: str, content: bytes) -> bool:
        """Writes an object unless it exists.

        Args:
            key: Its name in the bucket.
            content: Its bytes.

        Returns:
            Whether the object is this one.

        Raises:
            UserError: If it cannot be written.
        """
        from obstore.exceptions import AlreadyExistsError, PreconditionError  # noqa: PLC0415

        def put() -> bool:
            try:
                self._store.put(key, content, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                # An earlier attempt may have been written, though its answer was lost.
                return bytes(self._store.get(key).bytes()) == content
            return True

        return self._attempt(key, put, "written")

    def remove(self, key: str) -> None:
        """Removes an object if possible; failures are ignored.

        Args:
            key: Its name in the bucket.
        """
        from obstore.exceptions import BaseError  # noqa: PLC0415

        with suppress(BaseError, OSError):
            self._store.delete(key)

    def _block(self, key: str, start: int, end: int, whole: bool) -> bytes:
        if whole:  # some web servers serve no ranges
            content = bytes(self._store.get(key).bytes())
        else:
            content = bytes(self._store.get_range(key, start=start, end=end))
        if len(content) != end - start:
            raise OSError(f"{len(content)} bytes instead of {end - start}")
        return content

    def _attempt(self, key: str, request: Callable[[], Found], what: str = "read") -> Found:
        from obstore.exceptions import (  # noqa: PLC0415
            BaseError,
            PermissionDeniedError,
            UnauthenticatedError,
        )

        pause = PAUSE
        for attempt in range(ATTEMPTS):
            try:
                return request()
            except FileNotFoundError as error:
                raise self._missing(key) from error
            except (PermissionError, PermissionDeniedError, UnauthenticatedError) as error:
                raise self._denied(key) from error
            except (BaseError, OSError) as error:
                # The kinds of these errors are not told of lists.
                if "404 Not Found" in str(error):
                    raise self._missing(key) from error
                if "403 Forbidden" in str(error) or "401 Unauthorized" in str(error):
                    raise self._denied(key) from error
                if attempt == ATTEMPTS - 1 or _is_hopeless(error):
                    remedy = NETWORK.get(self.scheme, "check the network and the address")
                    raise UserError(
                        f"{self._address(key)}: cannot be {what} after {attempt + 1} attempts "
                        f"({_reason(error)}); {remedy}"
                    ) from error
                time.sleep(pause)
                pause *= 2
        raise AssertionError

    def _denied(self, key: str) -> UserError:
        remedy = ACCESS.get(self.scheme, "the server asks for a login")
        return UserError(f"{self._address(key)}: access is denied; {remedy}")

    def _missing(self, key: str) -> MissingObject:
        return MissingObject(
            f"{self._address(key)}: there is no such bucket or object; check the address"
        )

    def _address(self, key: str) -> str:
        return f"{self.scheme}://{self.place}/{key}"


def store_of(path: Path) -> tuple[RemoteStore, str]:
    """Returns the store and the key of the object that a path of the cache stands for."""
    address = address_of(path)
    assert address is not None
    scheme, _, rest = address.partition("://")
    place, _, key = rest.partition("/")
    return _opened(scheme, place, _endpoint(), os.getpid()), key


@lru_cache(maxsize=64)
def _opened(scheme: str, place: str, _endpoint: str, _process: int) -> RemoteStore:
    return RemoteStore(scheme, place)


def _endpoint() -> str:
    return os.environ.get("AWS_ENDPOINT_URL", os.environ.get("AWS_ENDPOINT", ""))


def _state(meta: Any) -> ObjectState:
    # Some servers tell fractions of a second in lists, but not of single objects.
    return ObjectState(int(meta["size"]), int(meta["last_modified"].timestamp()) * 10**9)


def _is_hopeless(error: Exception) -> bool:
    """Whether another attempt would fail the same: no credentials, or a malformed request."""
    text = str(error).lower()
    return "credential" in text or "400 bad request" in text


def _reason(error: Exception) -> str:
    """The innermost cause that the error tells, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
