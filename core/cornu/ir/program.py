"""Programs: typed graphs in single-assignment form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cornu.ir.dim import Dim, DimLike, substitute, symbols_of
from cornu.ir.types import Shape, TensorType

if TYPE_CHECKING:
    from onnx import ModelProto

Attributes = Mapping[str, Any]


class Value:
    """One tensor of a program: an input or a node's output. Two values are equal only if they are the same object."""

    __slots__ = ("name", "type")

    def __init__(self, type: TensorType, name: str = "") -> None:
        self.type = type
        self.name = name

    @property
    def shape(self) -> Shape:
        """The sizes, integers or `Dim`s."""
        return self.type.shape

    @property
    def dtype(self) -> str:
        """The element type's name."""
        return self.type.dtype

    def __repr__(self) -> str:
        return f"<Value {self.name or '?'}: {self.type}>"


@dataclass(frozen=True, eq=False)
class Node:
    """One operation: a primitive, a composite (`Call`) or a control structure with sub-programs as attributes.

    Args:
        op: The primitive's name.
        inputs: The tensors that it reads.
        outputs: The tensors that it defines.
        attributes: Everything that is not a tensor: numbers, strings, `Dim`s, tuples of them, arrays, programs.
        scope: The path of the layer that the node was traced in, for names, profiles and errors.
    """

    op: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    attributes: Attributes = field(default_factory=dict)
    scope: str = ""

    @cached_property
    def bodies(self) -> dict[str, Program]:
        """The sub-programs among the attributes, by name."""
        return {name: value for name, value in self.attributes.items() if isinstance(value, Program)}


@dataclass(frozen=True, eq=False)
class Program:
    """A closed computation from `inputs` to `outputs`: nodes in an order in which they can run.

    Args:
        name: A name for people.
        inputs: The tensors that a caller gives.
        outputs: The tensors that a caller gets; inputs may be among them.
        nodes: The operations in topological order.
    """

    name: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    nodes: tuple[Node, ...]

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Names of the symbols in the inputs' shapes, in order of appearance."""
        return tuple(
            dict.fromkeys(name for value in self.inputs for dim in value.shape for name in sorted(symbols_of(dim)))
        )

    @cached_property
    def _symbolic_axes(self) -> tuple[tuple[int, int, Dim], ...]:
        return tuple(
            (i, axis, dim)
            for i, value in enumerate(self.inputs)
            for axis, dim in enumerate(value.shape)
            if isinstance(dim, Dim)
        )

    @cached_property
    def symbolic_inputs(self) -> int:
        """How many inputs there are up to the last one with a symbolic size: `bind` looks at no others."""
        return max((i for i, _, _ in self._symbolic_axes), default=-1) + 1

    def bind(self, shapes: Sequence[Sequence[int]], known: Mapping[str, int] | None = None) -> dict[str, int]:
        """Finds the value of every symbol from the shapes of actual inputs, and checks that they agree.

        Args:
            shapes: One shape per input; those behind the last with a symbolic size may be left out.
            known: Values of symbols, those of the enclosing program for a sub-program.

        Raises:
            ValueError: If a shape contradicts the program's input types.
        """
        sizes: dict[str, int] = dict(known or {})
        derived: list[tuple[int, int, Dim]] = []
        for i, axis, dim in self._symbolic_axes:
            actual = shapes[i][axis]
            name = dim.bare_symbol
            if name is None:
                derived.append((i, axis, dim))
            elif sizes.setdefault(name, actual) != actual:
                raise self._mismatch(i, axis, dim, sizes[name], actual)
        for i, axis, dim in derived:
            expected = substitute(dim, sizes)
            if expected != shapes[i][axis]:
                raise self._mismatch(i, axis, dim, expected, shapes[i][axis])
        return sizes

    def check_inputs(self, shapes: Sequence[Sequence[int]]) -> dict[str, int]:
        """Like `bind`, and checks the number, rank and fixed sizes of the inputs too.

        Raises:
            ValueError: If the inputs do not fit.
        """
        if len(shapes) != len(self.inputs):
            raise ValueError(f"Program {self.name} takes {len(self.inputs)} inputs, got {len(shapes)}.")
        for i, (value, shape) in enumerate(zip(self.inputs, shapes, strict=True)):
            if len(shape) != value.type.rank:
                raise ValueError(
                    f"Input {i} ({value.name}) of {self.name} must be {value.type}, got shape {tuple(shape)}."
                )
            for axis, (dim, actual) in enumerate(zip(value.shape, shape, strict=True)):
                if isinstance(dim, int) and dim != actual:
                    raise self._mismatch(i, axis, dim, dim, actual)
        return self.bind(shapes)

    def _mismatch(self, i: int, axis: int, dim: DimLike, expected: DimLike, actual: int) -> ValueError:
        return ValueError(
            f"Input {i} ({self.inputs[i].name}) of {self.name}: axis {axis} is `{dim}`, "
            f"expected {expected}, got {actual}."
        )

    def walk(self) -> Iterator[Node]:
        """Every node, those of sub-programs included."""
        for node in self.nodes:
            yield node
            for body in node.bodies.values():
                yield from body.walk()

    def to_onnx(self, **options: Any) -> ModelProto:
        """The program as an ONNX model; the options are those of `cornu.ir.onnx.to_onnx`."""
        from cornu.ir.onnx import to_onnx

        return to_onnx(self, **options)

    def __str__(self) -> str:
        from cornu.ir.printer import format_program

        return format_program(self)


def bind_attribute(value: Any, sizes: Mapping[str, int], bind_body: Callable[[Program, Mapping[str, int]], Any]) -> Any:
    """An attribute with every `Dim` replaced by its size and every sub-program by what `bind_body` makes of it."""
    if isinstance(value, Dim):
        return substitute(value, sizes)
    if isinstance(value, tuple):
        return tuple(bind_attribute(item, sizes, bind_body) for item in value)
    if isinstance(value, Program):
        return bind_body(value, sizes)
    return value


def map_dims(value: Any, change: Callable[[DimLike], DimLike]) -> Any:
    """An attribute with `change` applied to every `Dim` in it, sub-programs included."""
    if isinstance(value, Dim):
        return change(value)
    if isinstance(value, tuple):
        return tuple(map_dims(item, change) for item in value)
    if isinstance(value, Program):
        return map_program_dims(value, change)
    return value


def map_type(type: TensorType, change: Callable[[DimLike], DimLike]) -> TensorType:
    """A type with `change` applied to every `Dim` of its shape."""
    if all(isinstance(dim, int) for dim in type.shape):
        return type
    return TensorType(type.dtype, tuple(change(dim) if isinstance(dim, Dim) else dim for dim in type.shape))


def map_program_dims(program: Program, change: Callable[[DimLike], DimLike]) -> Program:
    """A copy of a program with `change` applied to every `Dim`."""
    copies: dict[Value, Value] = {}

    def copy(value: Value) -> Value:
        if value not in copies:
            copies[value] = Value(map_type(value.type, change), value.name)
        return copies[value]

    inputs = tuple(copy(value) for value in program.inputs)
    nodes = tuple(
        Node(
            node.op,
            tuple(copy(value) for value in node.inputs),
            tuple(copy(value) for value in node.outputs),
            {name: map_dims(attribute, change) for name, attribute in node.attributes.items()},
            node.scope,
        )
        for node in program.nodes
    )
    return Program(program.name, inputs, tuple(copy(value) for value in program.outputs), nodes)
