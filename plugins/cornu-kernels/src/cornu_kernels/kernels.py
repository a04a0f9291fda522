"""What the onnxruntime backend asks: which nodes the library computes, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from cornu.ir.onnx.registry import NodeWriter
from cornu.ir.passes.dead_code import dead_code
from cornu.ir.passes.packing import pack
from cornu.ir.program import Node, Program

from cornu_kernels import elementwise, gates, in_place, moving, pooling


class Kernels:
    """Custom operators for ONNX Runtime's CPU provider.

    Example:
        >>> Kernels().library.exists()
        True
    """

    library: Path = Path(str(files("cornu_kernels"))) / "library.so"
    writers: Mapping[str, NodeWriter] = {**elementwise.WRITERS, **moving.WRITERS, **pooling.WRITERS}

    def computes(self, call: Node) -> bool:
        """Whether a composite is to stay whole, since a kernel computes it."""
        return pooling.computes(call)

    def lower(self, program: Program) -> Program:
        """The program with its chains of moves and of elementwise nodes as single nodes."""
        parted = gates.by_parts(program, elementwise.fits)
        moved = moving.join_moves(pooling.lower_maxima(parted))
        return dead_code(elementwise.lower(pack(moved, elementwise.join_lanes)))

    def update_in_place(self, program: Program) -> tuple[Program, dict[int, int]]:
        """An equal program, and for outputs that may be written where an input lies the input's position."""
        return in_place.update_in_place(program)
