"""Custom operators that another distribution brings: found by entry point, never required."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from cornu.ir.onnx.registry import NodeWriter
from cornu.ir.program import Node, Program

GROUP = "cornu_onnxruntime.kernels"


class Kernels(Protocol):
    """A library of custom operators for the CPU provider, and what makes programs use them.

    Args:
        library: The file for `SessionOptions.register_custom_ops_library`.
        writers: How the composites of `lower` are written.
    """

    library: Path
    writers: Mapping[str, NodeWriter]

    def computes(self, call: Node) -> bool:
        """Whether a composite is to stay whole, since an operator of the library computes it."""
        ...

    def lower(self, program: Program) -> Program:
        """An equal program that uses the library's operators."""
        ...

    def update_in_place(self, program: Program) -> tuple[Program, dict[int, int]]:
        """A lowered program in which some outputs may be written where an input lies, and that input's position.

        Everything else that reads the input must come before, whatever order the runtime chooses.
        """
        ...


@functools.cache
def installed() -> Kernels | None:
    """The kernels of an installed distribution; one that is broken is left out with a warning.

    They are tried once: a library for another runtime or processor must not break every model.
    """
    for entry in entry_points(group=GROUP):
        try:
            kernels: Kernels = entry.load()()
            _try(kernels)
        except Exception as error:
            where = f" of {entry.dist.name}" if entry.dist else ""
            warnings.warn(
                f"The kernels {entry.name!r}{where} are left out: {type(error).__name__}: {error}", stacklevel=2
            )
            continue
        return kernels
    return None


def required() -> Kernels:
    """The kernels of an installed distribution.

    Raises:
        ValueError: If there are none, or they are broken.
    """
    found = installed()
    if found is None:
        raise ValueError("kernels=True needs custom operators; install cornu-kernels, or see the warning above.")
    return found


def _try(kernels: Kernels) -> None:
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.register_custom_ops_library(str(kernels.library))
