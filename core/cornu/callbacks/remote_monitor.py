"""Sending metrics to a server."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback, Logs


class RemoteMonitor(Callback):
    """Posts the metrics of each epoch to a server: `{"epoch": 0, "loss": 1.5, ...}`.

    A server that does not answer is warned about; training goes on.

    Args:
        root: The server, such as "http://localhost:9000".
        path: The path on it.
        field: The form field that holds the JSON text; of no account with `send_as_json`.
        headers: Further HTTP headers.
        send_as_json: Whether the request's body is the JSON itself rather than a form.

    Raises:
        ValueError: If `root` is no HTTP address.

    Example:
        >>> RemoteMonitor("http://localhost:9000").field
        'data'
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        if not root.startswith(("http://", "https://")):
            raise ValueError(f"RemoteMonitor: `root` must start with http:// or https://, got {root!r}.")
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        text = json.dumps({"epoch": epoch, **{name: _plain(value) for name, value in (logs or {}).items()}})
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        request = urllib.request.Request(self.root + self.path, body.encode(), headers, method="POST")
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except (urllib.error.URLError, OSError) as error:
            warnings.warn(f"RemoteMonitor: {self.root} cannot be reached: {error}.", stacklevel=2)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
