"""What the nodes of a session cost, as ONNX Runtime itself measures it."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from cornu.backend.contract import NodeEvent

from cornu_onnxruntime.errors import origin_of

_SUFFIX = "_kernel_time"
_SIZES = ("activation_size", "parameter_size", "output_size")


class SessionProfile:
    """Makes a session measure its nodes, and reads what it found from the file that it writes.

    Args:
        settings: The options of the session that is to be made.
    """

    def __init__(self, settings: Any) -> None:
        folder = tempfile.mkdtemp(prefix="cornu-profile-")
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        settings.enable_profiling = True
        settings.profile_file_prefix = str(Path(folder) / "session")

    def events(self, session: Any, origins: Mapping[str, tuple[str, str]]) -> list[NodeEvent]:
        """Ends the measuring; a second time there is nothing more.

        Args:
            session: The session.
            origins: The operator and scope of each node of the model.
        """
        if not self._remove.alive:
            return []
        # ONNX Runtime's clock is that of the date; it began at this point of it.
        began = session.get_profiling_start_time_ns / 1e9 + time.perf_counter() - time.time()
        text = Path(session.end_profiling()).read_text(encoding="utf-8")
        self._remove()
        find = lru_cache(maxsize=None)(lambda name: origin_of(name, origins))
        nodes = [entry for entry in json.loads(text) if entry.get("cat") == "Node" and entry["name"].endswith(_SUFFIX)]
        return [_event(entry, began, *find(entry["name"].removesuffix(_SUFFIX))) for entry in nodes]


def _event(entry: Mapping[str, Any], began: float, op: str, scope: str) -> NodeEvent:
    told = entry["args"]
    kernel = told.get("op_name", "")
    size = sum(int(told.get(name, 0)) for name in _SIZES)
    start, duration = began + entry["ts"] / 1e6, entry["dur"] / 1e6
    return NodeEvent(op or kernel, scope, start, duration, size, kernel, int(entry["tid"]))
