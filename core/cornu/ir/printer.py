"""Programs as text that a person can read."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.ir.program import Node, Program, Value


def format_program(program: Program) -> str:
    """The program, one node a line: `%3: float32[n, 4] = Add(%1, %2)  # dense`."""
    return "\n".join(_Printer().lines(program, ""))


class _Printer:
    def __init__(self) -> None:
        self.names: dict[Value, str] = {}

    def name(self, value: Value) -> str:
        if value not in self.names:
            self.names[value] = f"%{len(self.names)}" + (f".{value.name}" if value.name else "")
        return self.names[value]

    def lines(self, program: Program, indent: str) -> list[str]:
        header = ", ".join(f"{self.name(value)}: {value.type}" for value in program.inputs)
        lines = [f"{indent}{program.name}({header}) {{"]
        for node in program.nodes:
            lines += self.node_lines(node, indent + "  ")
        returned = ", ".join(self.name(value) for value in program.outputs)
        return [*lines, f"{indent}  return {returned}", f"{indent}}}"]

    def node_lines(self, node: Node, indent: str) -> list[str]:
        outputs = ", ".join(f"{self.name(value)}: {value.type}" for value in node.outputs)
        plain = [f"{name}={_show(value)}" for name, value in node.attributes.items() if name not in node.bodies]
        arguments = ", ".join([self.name(value) for value in node.inputs] + plain)
        lines = [f"{indent}{outputs} = {node.op}({arguments})" + (f"  # {node.scope}" if node.scope else "")]
        for name, body in node.bodies.items():
            lines.append(f"{indent}  {name}:")
            lines += self.lines(body, indent + "    ")
        return lines


def _show(value: Any) -> str:
    if isinstance(value, np.ndarray):
        shown = np.array2string(value, threshold=6, edgeitems=2, separator=", ").replace("\n", " ")
        return f"{shown}:{value.dtype}"
    if isinstance(value, tuple):
        return f"({', '.join(_show(item) for item in value)})"
    return str(value)
