"""A hook that is a web address: one POST of JSON in a thread; nothing of what is answered is believed or followed."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mlrun.errors import UsageError


class Webhook:
    """A POST under way."""

    def __init__(self, url: str, headers: Mapping[str, str], content: object, timeout: float):
        """Send the content; raise UsageError where the address is none."""
        if not is_address(url):
            raise UsageError("the address does not begin with http:// or https://, then the host")
        try:
            self._request = urllib.request.Request(  # noqa: S310 - http and https alone, see above
                url,
                data=json.dumps(content).encode(),
                headers={"Content-Type": "application/json", "User-Agent": "mlrun", **headers},
                method="POST",
            )
        except ValueError as error:
            raise UsageError("the address is not one") from error
        self._timeout = timeout
        self._result: str | None = None
        threading.Thread(target=self._send, daemon=True).start()

    def _send(self) -> None:
        self._result = answer(self._request, self._timeout)

    def result(self) -> str | None:
        """Return '' when it was taken, why not when it was not, None while there is no answer."""
        return self._result

    @property
    def output(self) -> int | None:
        """There is nothing to listen to."""
        return None

    def ask_to_end(self) -> None:
        """Nobody can be asked: the thread waits for the server."""

    def end(self) -> None:
        """Wait no longer: the thread ends with this process."""

    def close(self) -> None:
        """Hold nothing."""


def is_address(url: str) -> bool:
    """Say whether this is a web address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def answer(request: urllib.request.Request, timeout: float) -> str:
    """Send a request; return '' for an answer of 200 to 299, else why it is none. What a server says is not told."""
    try:
        with opener().open(request, timeout=timeout) as answered:
            status: int = answered.status
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    except TimeoutError:
        return "no answer in time"
    except urllib.error.URLError as error:
        return f"it cannot be reached: {reason_of(error)}"
    except Exception as error:  # noqa: BLE001 - whatever a server sends is no reason for a run to end otherwise
        return f"it cannot be told ({type(error).__name__})"
    if 300 <= status < 400:
        return f"it answered {status}: the address has moved, and a redirect is not followed; name the new one"
    return "" if 200 <= status < 300 else f"it answered {status}"


def opener() -> urllib.request.OpenerDirector:
    """Return what speaks http and https, through the proxies of the environment, and follows no redirect."""
    director = urllib.request.OpenerDirector()
    for part in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        director.add_handler(part)
    return director


def reason_of(error: urllib.error.URLError) -> str:
    """Return what the system says, which holds no part of the address."""
    reason: Any = error.reason
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return reason.strerror or type(reason).__name__ if isinstance(reason, OSError) else "the address is not one"
