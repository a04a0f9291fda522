"""The one arena of CPU memory that all sessions of the process share."""

from __future__ import annotations

import threading
from typing import Any

_lock = threading.Lock()
_made = False


def share_arena(onnxruntime: Any, settings: Any) -> None:
    """Makes a session take its memory from the process's arena instead of one of its own.

    A session never gives its own arena's memory back, so that twenty eager operations on 20 MB would hold 1.4 GB. For
    the same reason a session plans no memory by the sizes of its inputs: such a plan is kept for each of them.

    Args:
        onnxruntime: The runtime.
        settings: The session's options.
    """
    global _made
    with _lock:
        if not _made:
            kind, memory = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, onnxruntime.OrtMemType.DEFAULT
            try:
                info = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, memory)
                onnxruntime.create_and_register_allocator(info, onnxruntime.OrtArenaCfg({}))
            except Exception as error:
                # Somebody else's will do, too.
                if "already" not in str(error):
                    raise
            _made = True
    settings.add_session_config_entry("session.use_env_allocators", "1")
    settings.enable_mem_pattern = False
