"""Symbolic sizes as small integer graphs, each expression computed once from the shapes of the model's inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.ir.dim import Atom, Dim, DimLike, FloorDiv, Max, Monomial, Symbol, at_least
from cornu.ir.program import Program

if TYPE_CHECKING:
    from cornu.ir.onnx.writing.graph import GraphWriter


class Sizes:
    """Writes `Dim`s as nodes of the main graph, from where sub-graphs read them too.

    Args:
        graph: The main graph.
        program: Its program; a symbol is taken from the first input that it is an axis of.
    """

    def __init__(self, graph: GraphWriter, program: Program) -> None:
        self.graph = graph
        self._shapes: list[tuple[str, tuple[DimLike, ...]]] = []
        self._program = program
        self._elements: dict[DimLike, str] = {}
        self._scalars: dict[DimLike, str] = {}
        self._vectors: dict[tuple[DimLike, ...], str] = {}

    def add_input(self, name: str, shape: tuple[DimLike, ...]) -> None:
        """Declares a graph input that sizes can be read from."""
        if any(isinstance(dim, Dim) for dim in shape):
            self._shapes.append((name, shape))

    def scalar(self, dim: DimLike) -> str:
        """The name of an int64 tensor of shape []."""
        if isinstance(dim, int):
            return self.graph.constant(np.asarray(dim, np.int64))
        if dim not in self._scalars:
            element = self.element(dim)
            axes = self.graph.ints((0,))
            self._scalars[dim] = self._node("Squeeze", [element, axes], f"{self._text(dim)} (scalar)")
        return self._scalars[dim]

    def vector(self, dims: Sequence[DimLike]) -> str:
        """The name of an int64 tensor of shape [len(dims)]."""
        key = tuple(dims)
        if all(isinstance(dim, int) for dim in key):
            return self.graph.ints(key)  # type: ignore[arg-type]
        if len(key) == 1:
            return self.element(key[0])
        if key not in self._vectors:
            parts = self._parts(key)
            text = ", ".join(map(self._text, key))
            self._vectors[key] = parts[0] if len(parts) == 1 else self._node("Concat", parts, f"[{text}]", axis=0)
        return self._vectors[key]

    def element(self, dim: DimLike) -> str:
        """The name of an int64 tensor of shape [1]."""
        if isinstance(dim, int):
            return self.graph.ints((dim,))
        if dim not in self._elements:
            self._elements[dim] = self._read((dim,)) or self._expression(dim)
        return self._elements[dim]

    # -- vectors -------------------------------------------------------------------------------------------------

    def _parts(self, dims: tuple[DimLike, ...]) -> list[str]:
        """Pieces of a vector: runs that are the shape of an input, known numbers, single expressions."""
        parts: list[str] = []
        at = 0
        while at < len(dims):
            run = self._longest_run(dims, at)
            known = at
            while known < len(dims) and isinstance(dims[known], int):
                known += 1
            if run > 1 and run >= known - at:
                source = self._read(dims[at : at + run])
                assert source is not None
                parts.append(source)
                at += run
            elif known > at:
                parts.append(self.graph.ints(dims[at:known]))  # type: ignore[arg-type]
                at = known
            else:
                parts.append(self.element(dims[at]))
                at += 1
        return parts

    def _longest_run(self, dims: tuple[DimLike, ...], at: int) -> int:
        """How many sizes from `at` on are neighbouring sizes of one input; they include a symbolic one."""
        best = 0
        for length in range(len(dims) - at, 1, -1):
            window = dims[at : at + length]
            if any(isinstance(dim, Dim) for dim in window) and self._find(window):
                best = length
                break
        return best

    def _find(self, dims: tuple[DimLike, ...]) -> tuple[str, int, int] | None:
        for name, shape in self._shapes:
            for start in range(len(shape) - len(dims) + 1):
                if shape[start : start + len(dims)] == dims:
                    return name, start, len(shape)
        return None

    def _read(self, dims: tuple[DimLike, ...]) -> str | None:
        found = self._find(dims)
        if found is None:
            return None
        name, start, rank = found
        end = start + len(dims)
        text = ", ".join(map(self._text, dims))
        return self._node(
            "Shape",
            [name],
            text if len(dims) == 1 else f"[{text}]",
            start=start or None,
            end=end if end < rank else None,
        )

    # -- expressions ---------------------------------------------------------------------------------------------

    def _expression(self, dim: Dim) -> str:
        if dim.bare_symbol is not None:
            raise ValueError(f"No input of {self._program.name} has an axis of the size `{dim}`.")
        known = sum(coefficient for monomial, coefficient in dim.terms if not monomial)
        terms = [(monomial, coefficient) for monomial, coefficient in dim.terms if monomial]
        terms.sort(key=lambda term: term[1] < 0)
        total: str | None = None
        partial: DimLike = 0
        if terms[0][1] < 0:
            total, partial, known = self.element(known), known, 0
        for monomial, coefficient in terms:
            term = self._scaled(monomial, abs(coefficient))
            partial = partial + Dim(((monomial, coefficient),))
            if total is None:
                total = term
            else:
                total = self._node("Add" if coefficient > 0 else "Sub", [total, term], self._text(partial))
        assert total is not None
        return self._node("Add", [total, self.element(known)], self._text(dim)) if known else total

    def _scaled(self, monomial: Monomial, coefficient: int) -> str:
        value = self._atom(monomial[0])
        for i, atom in enumerate(monomial[1:], 2):
            part = Dim(((monomial[:i], 1),))
            if part not in self._elements:
                self._elements[part] = self._node("Mul", [value, self._atom(atom)], self._text(part))
            value = self._elements[part]
        if coefficient == 1:
            return value
        scaled = Dim(((monomial, coefficient),))
        if scaled not in self._elements:
            self._elements[scaled] = self._node("Mul", [value, self.element(coefficient)], self._text(scaled))
        return self._elements[scaled]

    def _atom(self, atom: Atom) -> str:
        if isinstance(atom, Symbol):
            return self.element(Dim.of(atom))
        dim = Dim.of(atom)
        if dim not in self._elements:
            self._elements[dim] = self._maximum(atom) if isinstance(atom, Max) else self._quotient(atom)
        return self._elements[dim]

    def _maximum(self, atom: Max) -> str:
        return self._node("Max", [self.element(atom.left), self.element(atom.right)], self._text(Dim.of(atom)))

    def _quotient(self, atom: FloorDiv) -> str:
        above, below = self.element(atom.numerator), self.element(atom.denominator)
        if not (at_least(atom.numerator, 0) and at_least(atom.denominator, 0)):
            # ONNX truncates towards zero; its Mod has the divisor's sign, so that what is left divides exactly.
            rest = self._node("Mod", [above, below], f"rest of {self._text(Dim.of(atom))}")
            above = self._node("Sub", [above, rest], f"rest of {self._text(Dim.of(atom))} taken off")
        return self._node("Div", [above, below], self._text(Dim.of(atom)))

    def _text(self, dim: DimLike) -> str:
        return self.graph.model.name_size(dim)

    def _node(self, op: str, inputs: Sequence[str], text: str, **attributes: Any) -> str:
        output = self.graph.model.names.unique(f"size {text}")
        self.graph.add(op, inputs, [output], scope="size", **attributes)
        return output
