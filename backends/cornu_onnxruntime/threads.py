"""The one pool of threads that all sessions of the process share."""

from __future__ import annotations

import functools
import threading
from typing import Any

_lock = threading.Lock()
_sizes: tuple[int, int] | None = None


def share_threads(intra_op: int, inter_op: int) -> None:
    """Makes ONNX Runtime's process-wide pool; without one, every session would keep threads of its own.

    ONNX Runtime refuses sessions with threads of their own once the pool exists. So that other code in the process
    still gets its sessions, `onnxruntime.InferenceSession` then puts those on the pool, too.

    Args:
        intra_op: Threads that work on one operator; 0 for as many as there are physical cores.
        inter_op: Threads that work on different operators at once; 0 as above.

    Raises:
        ValueError: If the pool exists with other sizes; it cannot be changed.
    """
    import onnxruntime

    global _sizes
    with _lock:
        if _sizes == (intra_op, inter_op):
            return
        if _sizes is not None:
            raise ValueError(
                f"The threads of ONNX Runtime are shared by the whole process and were set to threads={_sizes[0]}, "
                f"inter_op_threads={_sizes[1]}; they cannot become {intra_op} and {inter_op} any more. Ask for them "
                "before the first model runs, or use share_threads=False from the start."
            )
        try:
            onnxruntime.set_global_thread_pool_sizes(intra_op, inter_op)
        except Exception as error:
            # Somebody else made the pool: it is shared all the same, with their sizes.
            if "already been created" not in str(error):
                raise
        _admit_other_sessions(onnxruntime)
        _sizes = (intra_op, inter_op)


def threads_are_shared() -> bool:
    """True once the pool exists."""
    return _sizes is not None


def _admit_other_sessions(onnxruntime: Any) -> None:
    original = onnxruntime.InferenceSession.__init__

    @functools.wraps(original)
    def start(self: Any, path_or_bytes: Any, sess_options: Any = None, *args: Any, **kwargs: Any) -> None:
        options = sess_options or onnxruntime.SessionOptions()
        options.use_per_session_threads = False
        original(self, path_or_bytes, options, *args, **kwargs)

    onnxruntime.InferenceSession.__init__ = start
