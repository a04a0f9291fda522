"""Models on disk: what one process has made of a program, the next one finds.

A model is found again if the program is the same, names included, and so is everything that made it: the sources of the
passes and of this backend, ONNX Runtime, the processor (which decides about blocked layouts) and the settings.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import cornu
from cornu.backend.config import cache_directory, passes_are_on
from cornu.backend.disk_cache import DiskCache
from cornu.ir.fingerprint import fingerprint
from cornu.ir.program import Program

from cornu_onnxruntime.extension import Kernels
from cornu_onnxruntime.lowering.probe import block_size
from cornu_onnxruntime.model import Model, make_model

FEWEST_NODES = 16
"""Smaller programs, such as single operations, are made faster than found."""

_SMALL = 1 << 16
_CODE = (".py", ".so", ".dll", ".dylib")
_CPUINFO = Path("/proc/cpuinfo")


def model_of(program: Program, sizes: Mapping[str, int] | None, lowers: bool, kernels: Kernels | None = None) -> Model:
    """The program's model, from the disk if it is there.

    Args:
        program: A program of nodes that the backend supports.
        sizes: The values of its symbols, where the model is to serve these only.
        lowers: Whether the model may have the fast forms of the CPU provider.
        kernels: Custom operators that it may have then.
    """
    folder = cache_directory()
    if folder is None or not is_worth_it(program):
        return make_model(program, sizes, lowers, kernels)
    cache = DiskCache(folder / "onnxruntime")
    key = key_of(program, sizes, lowers, kernels)
    stored = cache.get(key)
    if stored is not None:
        return Model.from_bytes(stored)
    model = make_model(program, sizes, lowers, kernels)
    if not model.arrays:
        cache.put(key, model.to_bytes())
    return model


def is_worth_it(program: Program) -> bool:
    """Whether a program is large, and will come again: one that has weights as constants will not."""
    if len(program.nodes) < FEWEST_NODES:
        return False
    constants = [node for node in program.walk() if node.op == "Constant"]
    if any(node.outputs[0].name for node in constants):
        return False
    size: int = sum(node.attributes["value"].nbytes for node in constants)
    return size <= _SMALL


def key_of(program: Program, sizes: Mapping[str, int] | None, lowers: bool, kernels: Kernels | None = None) -> str:
    """A digest of the program and of everything that decides what model it becomes."""
    custom = kernels and (type(kernels).__qualname__, list(_files(kernels.library.parent)))
    given = (fingerprint(program, with_names=True), sizes and sorted(sizes.items()), lowers, passes_are_on(), custom)
    return hashlib.blake2b(repr((given, _surroundings())).encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=1)
def _surroundings() -> tuple[object, ...]:
    import onnxruntime

    sources = [Path(__file__).parent, *(Path(cornu.__file__).parent / name for name in ("ir", "primitives", "backend"))]
    return onnxruntime.__version__, onnxruntime.get_build_info(), _processor(), [list(_files(path)) for path in sources]


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Names, sizes and times of the files in a folder: enough to tell that one has changed."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir():
                yield from _files(Path(entry.path))
            elif entry.name.endswith(_CODE):
                told = entry.stat()
                yield entry.path, told.st_size, told.st_mtime_ns


def _processor() -> object:
    """What tells processors apart; where the system does not say, what the lowering asks of them."""
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        return block_size()
    first = lines[: lines.index("")] if "" in lines else lines
    return [line for line in first if line.startswith(("model name", "flags", "Features", "CPU part"))] or block_size()
