"""Gradients of traced and of eager code: `grad`, `value_and_grad`, `GradientTape`, `stop_gradient`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import tree
from cornu.ir.builder import Builder
from cornu.ir.differentiate import backward
from cornu.ir.program import Node, Program, Value
from cornu.ir.types import is_float
from cornu.tracing.compiled import share_compiled
from cornu.tracing.eager import RECORDERS, record_call
from cornu.tracing.tensor import ConcreteTensor, Tensor, TracedTensor, apply, convert, value_of
from cornu.tracing.trace import Trace, current_trace
from cornu.tracing.variable import Variable


class GradientTape:
    """Records operations so that `gradient` can differentiate them.

    Args:
        persistent: Whether `gradient` may be called more than once.
        watch_accessed_variables: Kept for TensorFlow's signature; every tensor and variable can be a source.

    Example:
        >>> import cornu
        >>> x = cornu.ops.convert_to_tensor(3.0)
        >>> with cornu.GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x
        >>> float(tape.gradient(y, x))
        6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed_variables = watch_accessed_variables
        self._records: list[tuple[str, Sequence[ConcreteTensor], Sequence[ConcreteTensor], dict[str, Any]]] = []
        self._trace: Trace | None = None
        self._values: dict[Variable, Value] = {}
        self._tensors: dict[Variable, ConcreteTensor] = {}
        self._spent = False

    def __enter__(self) -> GradientTape:
        self._trace = current_trace()
        if self._trace is None:
            self._token = RECORDERS.set((*RECORDERS.get(), self))
        else:
            self._trace.followers.append(self._values)
        return self

    def __exit__(self, *error: object) -> None:
        if self._trace is None:
            RECORDERS.reset(self._token)
        else:
            self._trace.followers = [values for values in self._trace.followers if values is not self._values]

    def watch(self, tensor: Any) -> None:
        """Kept for TensorFlow's signature: every float tensor is followed.

        Raises:
            TypeError: If the tensor has no gradient because of its dtype.
        """
        for leaf in tree.flatten(tensor):
            if not is_float(leaf.dtype):
                raise TypeError(f"GradientTape.watch: {leaf!r} is not of a floating-point dtype.")

    def record(
        self, op: str, inputs: Sequence[ConcreteTensor], outputs: Sequence[ConcreteTensor], attributes: dict[str, Any]
    ) -> None:
        """Notes one eager operation."""
        self._records.append((op, inputs, outputs, attributes))

    def note_reading(self, variable: Variable, tensor: ConcreteTensor) -> None:
        """Notes what a variable holds when it is first read: what its gradient is taken at."""
        self._tensors.setdefault(variable, tensor)

    def gradient(
        self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: str = "none"
    ) -> Any:
        """The gradient of the sum of `target` with respect to each source, in the structure of `sources`.

        Args:
            target: A tensor or a structure of them.
            sources: Tensors and variables.
            output_gradients: Cotangents of the targets; ones if missing.
            unconnected_gradients: "none" gives None, "zero" gives zeros, for a source without influence.

        Raises:
            RuntimeError: If the tape was used already and is not persistent, or was entered inside another function.
            ValueError: If `unconnected_gradients` is neither.
        """
        if self._spent and not self._persistent:
            raise RuntimeError("This GradientTape has given its gradient; use persistent=True to ask again.")
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError(f"unconnected_gradients is 'none' or 'zero', got {unconnected_gradients!r}.")
        if current_trace() is not self._trace:
            raise RuntimeError("GradientTape.gradient must be called in the function in which the tape was entered.")
        self._spent = True
        leaves = tree.flatten(sources)
        targets = [convert(leaf) for leaf in tree.flatten(target)]
        seeds = [None] * len(targets) if output_gradients is None else tree.flatten(output_gradients)
        found: Sequence[Tensor | None]
        if self._trace is not None:
            sources_read = [self._values.get(x, x) if isinstance(x, Variable) else x for x in leaves]
            found = traced_gradients(targets, sources_read, seeds)
        else:
            tensors_read = [self._tensors.get(x, x) if isinstance(x, Variable) else x for x in leaves]
            found = self._eager_gradients(targets, tensors_read, seeds)
        if unconnected_gradients == "zero":
            found = [_zeros(leaf) if g is None else g for leaf, g in zip(leaves, found, strict=True)]
        return tree.pack(sources, list(found))

    def _eager_gradients(
        self, targets: Sequence[Tensor], sources: Sequence[Any], seeds: Sequence[Any]
    ) -> Sequence[Tensor | None]:
        b = Builder("backward")
        tape = _TapeReader(b)
        for op, inputs, outputs, attributes in self._records:
            tape.node(op, inputs, outputs, attributes)
        cotangents: dict[Value, Value] = {}
        forward = len(b.nodes)
        for target, seed in zip(targets, seeds, strict=True):
            assert isinstance(target, ConcreteTensor)
            value = tape.value(target)
            start = b.full(value.shape, 1, value.dtype) if seed is None else tape.value(_concrete(seed))
            cotangents[value] = b.Add(cotangents[value], start) if value in cotangents else start
        wanted = [tape.value(_concrete(source)) for source in sources]
        found = backward(b, cotangents, wanted)
        given = [g for g in found if g is not None]
        if not given:
            return [None] * len(found)
        program, leaves = tape.close(given, forward)
        computed = share_compiled(program).run(leaves)
        record_call(program, leaves, computed)  # for a tape around this one: second derivatives
        results = iter(computed)
        return [None if g is None else next(results) for g in found]


class _TapeReader:
    """Rebuilds eager operations as nodes whose values are known tensors."""

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.values: dict[int, Value] = {}
        self.tensors: dict[Value, ConcreteTensor] = {}

    def value(self, tensor: ConcreteTensor) -> Value:
        if id(tensor) not in self.values:
            self._add(tensor, Value(tensor.type))
        return self.values[id(tensor)]

    def _add(self, tensor: ConcreteTensor, value: Value) -> None:
        self.values[id(tensor)] = value
        self.tensors[value] = tensor
        self.b.adopt(value)

    def node(
        self, op: str, inputs: Sequence[ConcreteTensor], outputs: Sequence[ConcreteTensor], attributes: dict[str, Any]
    ) -> None:
        operands = tuple(self.value(tensor) for tensor in inputs)
        for tensor in outputs:
            self._add(tensor, Value(tensor.type))
        self.b.nodes.append(Node(op, operands, tuple(self.values[id(t)] for t in outputs), attributes))

    def close(self, outputs: Sequence[Value], forward: int) -> tuple[Program, list[ConcreteTensor]]:
        """The program of the nodes after the first `forward` ones, fed with the values that those left."""
        nodes = tuple(self.b.nodes[forward:])
        made = {value for node in nodes for value in node.outputs}
        used = dict.fromkeys(v for v in (*(v for node in nodes for v in node.inputs), *outputs) if v not in made)
        program = Program("backward", tuple(used), tuple(outputs), nodes)
        return program, [self.tensors[value] for value in used]


def _concrete(x: Any) -> ConcreteTensor:
    tensor = x.concrete() if isinstance(x, Variable) else convert(x)
    assert isinstance(tensor, ConcreteTensor)
    return tensor


def _zeros(x: Any) -> Tensor:
    from cornu import ops

    zeros: Tensor = ops.zeros_like(x)
    return zeros


def traced_gradients(targets: Sequence[Tensor], sources: Sequence[Any], seeds: Sequence[Any]) -> list[Tensor | None]:
    """Gradients inside the current trace: nodes appended to the program."""
    trace = current_trace()
    assert trace is not None
    b = trace.builder
    cotangents: dict[Value, Value] = {}
    for target, seed in zip(targets, seeds, strict=True):
        value = b.own(value_of(target, trace))
        type = b.resolve_type(value.type)
        start = b.full(type.shape, 1, type.dtype) if seed is None else b.own(value_of(convert(seed), trace))
        cotangents[value] = b.Add(cotangents[value], start) if value in cotangents else start
    values = [_source_value(source, trace) for source in sources]
    return [None if g is None else TracedTensor(g, trace) for g in backward(b, cotangents, values)]


def _source_value(source: Any, trace: Trace) -> Value:
    if isinstance(source, Value):
        return trace.builder.own(source)
    if isinstance(source, Variable):
        return trace.read(source)
    if not isinstance(source, TracedTensor):
        raise TypeError(
            f"Inside a trace the source of a gradient must be a traced tensor or a variable, got {source!r}."
        )
    return trace.builder.own(source._value)


def value_and_grad(
    fn: Callable[..., Any], variables: Sequence[Any] | None = None, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the value of `fn` and its gradient.

    Args:
        fn: Returns a scalar, or `(scalar, anything)` with `has_aux`.
        variables: With respect to what; the first argument if missing.
        has_aux: Whether `fn` returns more than the scalar.

    Example:
        >>> import cornu
        >>> value, gradient = cornu.value_and_grad(lambda x: x * x)(cornu.ops.convert_to_tensor(3.0))
        >>> float(gradient)
        6.0
    """

    def run(*args: Any, **kwargs: Any) -> Any:
        if variables is None:
            args = (tree.map_structure(_own_source, args[0]), *args[1:])
        with GradientTape() as tape:
            result = fn(*args, **kwargs)
        value = result[0] if has_aux else result
        if tuple(value.shape) != ():
            raise ValueError(f"value_and_grad: the function must return a scalar, got shape {value.shape}.")
        sources = args[0] if variables is None else variables
        return result, tape.gradient(value, sources, unconnected_gradients="zero")

    return run


def _own_source(x: Any) -> Tensor:
    """A tensor to differentiate with respect to: inside a trace one that no equal constant shares."""
    tensor: Any = apply("Identity", convert(x)) if current_trace() is not None else convert(x)
    return tensor  # type: ignore[no-any-return]


def grad(fn: Callable[..., Any], variables: Sequence[Any] | None = None) -> Callable[..., Any]:
    """A function that returns the gradient of `fn`, with respect to its first argument or to `variables`."""

    def run(*args: Any, **kwargs: Any) -> Any:
        return value_and_grad(fn, variables)(*args, **kwargs)[1]

    return run


def stop_gradient(x: Any) -> Any:
    """The same numbers, constant for differentiation."""
    return apply("StopGradient", convert(x))
