"""What runs natively."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cornu.ir.program import Node

from cornu_torch.site import KERNELS


def is_native(op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], on_cpu: bool) -> bool:
    """Whether there is a kernel for a node, and one that computes what the operator means.

    Args:
        op: The primitive, or the composite's name.
        dtypes: The operands' element types (the results', where there are none).
        attributes: The node's own.
        on_cpu: Whether it is to run on the CPU.
    """
    kernel = KERNELS.get(op)
    if kernel is None or len(dtypes) <= kernel.data or dtypes[kernel.data] not in kernel.dtypes:
        return False
    return kernel.accepts(dtypes, attributes, on_cpu)


def runs_natively(node: Node, on_cpu: bool) -> bool:
    """The same of a node."""
    return is_native(name_of(node), [v.dtype for v in node.inputs or node.outputs], node.attributes, on_cpu)


def name_of(node: Node) -> str:
    """The primitive, or the composite's name."""
    return str(node.attributes["name"]) if node.op == "Call" else node.op
