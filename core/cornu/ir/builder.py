"""Building programs node by node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from cornu.ir.dim import Dim, DimLike, Symbol, SymbolicDimError, substitute, without_factor
from cornu.ir.primitive import lookup
from cornu.ir.program import Node, Program, Value, map_dims, map_type
from cornu.ir.shapes import SizeConflictError
from cornu.ir.types import Shape, TensorType, numpy_dtype

Operand: TypeAlias = Value | bool | int | float | np.ndarray | np.generic


class Builder:
    """Records nodes; `b.Add(x, y)` adds a node of the primitive `Add` and returns its output (a tuple of several).

    A Python number among the operands becomes a constant of the first tensor's dtype. A value of an enclosing builder
    becomes an input of this one (see `captures`). Sizes that meet and must be equal are unified: one of them replaces
    the other in the whole program.

    Args:
        name: The program's name.
        parent: The builder that encloses this one, for a sub-program.

    Example:
        >>> from cornu.ir.types import TensorType
        >>> b = Builder("double")
        >>> x = b.input(TensorType("float32", (3,)), "x")
        >>> program = b.finish([b.Mul(x, 2.0)])
    """

    def __init__(self, name: str = "program", parent: Builder | None = None) -> None:
        self.name = name
        self.parent = parent
        self.inputs: list[Value] = []
        self.nodes: list[Node] = []
        self.captures: dict[Value, Value] = {}
        self.scope: str = ""  # of a sub-program relative to the node that holds it
        self._known: set[Value] = set()
        self._scalars: dict[tuple[str, Any], Value] = {}
        self._zeros: set[Value] = set()
        self._equalities: dict[str, DimLike] = parent._equalities if parent else {}

    # -- inputs, constants ---------------------------------------------------------------------------------------

    def input(self, type: TensorType, name: str = "") -> Value:
        """Adds an input."""
        value = Value(self.resolve_type(type), name)
        self.inputs.append(value)
        self._known.add(value)
        return value

    def adopt(self, value: Value) -> None:
        """Takes a value that was made elsewhere as one of this builder's own."""
        self._known.add(value)

    def constant(self, value: Any, dtype: str | None = None) -> Value:
        """A constant tensor; equal scalars share one node."""
        array = np.asarray(value, None if dtype is None else numpy_dtype(dtype))
        if array.ndim:
            return self.emit("Constant", (), {"value": array})[0]
        key = (array.dtype.name, array.tobytes())
        if key not in self._scalars:
            self._scalars[key] = self.emit("Constant", (), {"value": array})[0]
        return self._scalars[key]

    def full(self, shape: Shape, value: float, dtype: str) -> Value:
        """A tensor of one repeated value."""
        scalar = self.constant(value, dtype)
        return self.Expand(scalar, shape=tuple(shape)) if shape else scalar

    def zeros(self, type: TensorType) -> Value:
        """A tensor of zeros of that type."""
        zeros = self.full(type.shape, 0, type.dtype)
        self._zeros.add(zeros)
        return zeros

    def is_zero(self, value: Value) -> bool:
        """True for what `zeros` made."""
        return value in self._zeros

    # -- nodes ---------------------------------------------------------------------------------------------------

    def __getattr__(self, op: str) -> Callable[..., Any]:
        if not op[:1].isupper():
            raise AttributeError(op)

        def add(*inputs: Operand, **attributes: Any) -> Value | tuple[Value, ...]:
            outputs = self.emit(op, inputs, attributes)
            return outputs[0] if len(outputs) == 1 else outputs

        return add

    def emit(self, op: str, inputs: Sequence[Operand], attributes: Mapping[str, Any]) -> tuple[Value, ...]:
        """Adds a node and returns its outputs.

        Raises:
            TypeError, ValueError: If the operands do not fit the primitive.
            SymbolicDimError: If they could fit only for some values of a symbol.
        """
        primitive = lookup(op)
        values = self._operands(op, inputs)
        attributes = self._resolved(attributes)
        while True:
            types = [self.resolve_type(value.type) for value in values]
            try:
                inferred = primitive.infer(*types, **attributes)
                break
            except SizeConflictError as conflict:
                self.unify(conflict)
                attributes = self._resolved(attributes)
        outputs = tuple(Value(type) for type in (inferred if isinstance(inferred, tuple) else (inferred,)))
        self._known.update(outputs)
        self.nodes.append(Node(op, tuple(values), outputs, attributes, self.scope))
        return outputs

    def _resolved(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        if not self._equalities:
            return dict(attributes)
        return {name: map_dims(attribute, self.resolve) for name, attribute in attributes.items()}

    def _operands(self, op: str, inputs: Sequence[Operand]) -> list[Value]:
        dtype = next((operand.dtype for operand in inputs if isinstance(operand, Value)), None)
        values = []
        for operand in inputs:
            if isinstance(operand, Value):
                values.append(self.own(operand))
            elif isinstance(operand, (np.ndarray, np.generic)):
                values.append(self.constant(operand))
            elif isinstance(operand, (bool, int, float)):
                values.append(self.constant(operand, dtype))
            else:
                raise TypeError(f"{op} takes tensors, got {type(operand).__name__}.")
        return values

    def own(self, value: Value) -> Value:
        """The value as this builder knows it: itself, or the input that carries it in from outside.

        Raises:
            ValueError: If it belongs to no enclosing builder.
        """
        if value in self._known:
            return value
        if value not in self.captures:
            if self.parent is None:
                raise ValueError(
                    f"{value!r} belongs to another program than {self.name}; did it leak out of its trace?"
                )
            self.parent.own(value)
            self.captures[value] = self.input(value.type, value.name)
        return self.captures[value]

    def inline(self, program: Program, inputs: Sequence[Value]) -> tuple[Value, ...]:
        """Adds a copy of a program's nodes, with `inputs` in the place of its inputs."""
        here: dict[Value, Value] = dict(zip(program.inputs, map(self.own, inputs), strict=True))
        outer = self.scope
        for node in program.nodes:
            self.scope = "/".join(part for part in (outer, node.scope) if part)
            outputs = self.emit(node.op, [here[value] for value in node.inputs], node.attributes)
            here.update(zip(node.outputs, outputs, strict=True))
        self.scope = outer
        return tuple(here[value] for value in program.outputs)

    @contextmanager
    def scoped(self, scope: str) -> Iterator[None]:
        """Records what follows under the layer path `scope`."""
        outer, self.scope = self.scope, scope
        try:
            yield
        finally:
            self.scope = outer

    def finish(self, outputs: Sequence[Value]) -> Program:
        """The program of everything recorded; the builder must not be used any more."""
        final = tuple(self.own(value) for value in outputs)
        if self._equalities:
            for value in self._known:
                value.type = self.resolve_type(value.type)
            self.nodes = [
                Node(
                    n.op, n.inputs, n.outputs, {k: map_dims(a, self.resolve) for k, a in n.attributes.items()}, n.scope
                )
                for n in self.nodes
            ]
        return Program(self.name, tuple(self.inputs), final, tuple(self.nodes))

    # -- sizes ---------------------------------------------------------------------------------------------------

    def resolve(self, dim: DimLike) -> DimLike:
        """A size after all unifications so far."""
        while isinstance(dim, Dim) and any(name in self._equalities for name in dim.symbols):
            dim = substitute(dim, self._equalities)
        return dim

    def resolve_type(self, type: TensorType) -> TensorType:
        """A type after all unifications so far."""
        return map_type(type, self.resolve) if self._equalities else type

    def unify(self, conflict: SizeConflictError) -> None:
        """Makes two sizes equal by replacing a symbol.

        Raises:
            SizeConflictError: If they can never be equal.
            SymbolicDimError: If no symbol can be solved for.
        """
        difference = self.resolve(conflict.left - conflict.right)
        if isinstance(difference, Dim):
            difference = without_factor(difference)  # sizes that are factors of both sides are not 0
        if isinstance(difference, int):
            if difference:
                raise conflict
            return
        for monomial, coefficient in reversed(difference.terms):
            if len(monomial) != 1 or abs(coefficient) != 1 or not isinstance(monomial[0], Symbol):
                continue
            name = monomial[0].name
            solution = difference * -coefficient + Dim.of(monomial[0])
            if isinstance(solution, int) and solution < 0:
                raise conflict
            if isinstance(solution, int) or name not in solution.symbols:
                self._equalities[name] = solution
                return
        raise SymbolicDimError(difference, str(conflict))
