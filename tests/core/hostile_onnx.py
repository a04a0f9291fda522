"""Reads the ONNX files of a folder in a process of its own, and says what came of it: for test_hostile_onnx.py.

python hostile_onnx.py FOLDER prints a line of JSON for every file, and one for the whole run.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND


def peak_kb() -> int:
    """The most memory that this process has had; `ru_maxrss` would start from that of the process that made it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(folder: Path) -> None:
    import cornu
    import onnx.inliner
    import onnx.shape_inference  # noqa: F401

    touched: list[str] = []

    def watch(event: str, args: Any) -> None:
        if event == "open" and isinstance(args[0], (str, bytes)):
            path, flags = os.fsdecode(args[0]), args[2]
            code = path.endswith((".py", ".pyc", ".so")) or path.startswith((sys.prefix, sys.base_prefix, "/proc"))
            outside = not os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
            if flags & WRITING or (outside and not code):
                touched.append(path)
        elif event in ("os.system", "subprocess.Popen", "os.mkdir", "os.rename", "os.remove", "socket.connect"):
            touched.append(event)

    cornu.models.from_onnx(folder / "sound.onnx")  # what is imported late is in memory then
    before = peak_kb()
    sys.addaudithook(watch)
    for path in sorted(folder.glob("*.onnx")):
        touched.clear()
        start = time.monotonic()
        try:
            model = cornu.models.from_onnx(path)
            kind, message = "read", f"{len(model.weights)} weights"
        except Exception as error:
            kind, message = type(error).__name__, str(error)
        peak = peak_kb()
        seconds = time.monotonic() - start
        result = {"name": path.stem, "kind": kind, "message": message, "seconds": seconds, "peak_kb": peak}
        print(json.dumps({**result, "touched": list(touched)}), flush=True)
    print(json.dumps({"name": "", "before_kb": before}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
