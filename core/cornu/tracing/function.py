"""Turning Python functions into programs, and running them with the state that they read and change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, update_wrapper
from threading import RLock
from typing import Any

import numpy as np

from cornu import tree
from cornu.backend.config import current_backend, current_device
from cornu.backend.contract import Backend, Executable
from cornu.ir.dim import DimLike, SymbolicDimError, symbol
from cornu.ir.passes.freeze import freeze
from cornu.ir.shapes import SizeConflictError
from cornu.ir.types import TensorType
from cornu.profiling import switch
from cornu.tracing.compiled import CompiledProgram, Run, compile_program, share_compiled
from cornu.tracing.donation import COUNTED, Donation, Updated
from cornu.tracing.eager import RECORDERS, record_call, record_reading
from cornu.tracing.tensor import ConcreteTensor, Tensor, TracedTensor, from_numpy, to_array, value_of
from cornu.tracing.trace import Trace, current_trace, recording
from cornu.tracing.uninterrupted import Uninterrupted
from cornu.tracing.variable import Variable

Axes = frozenset[tuple[int, int]]
SymbolicAxes = Callable[[Sequence[TensorType]], dict[tuple[int, int], str]]


@dataclass(eq=False)
class TracedFunction:
    """A program made from a Python function.

    Args:
        compiled: The program: its inputs are the arguments' tensors and then the variables that it reads.
        reads: The variables that it reads, in the order of the program's inputs.
        writes: The variables that it changes, in the order of the program's last outputs.
        structure: The function's result, with an `_Output` where a tensor belongs.
        lifted: Tensors from outside that are its last inputs.
    """

    compiled: CompiledProgram
    reads: tuple[Variable, ...]
    writes: tuple[Variable, ...]
    structure: Any
    lifted: tuple[ConcreteTensor, ...] = ()
    _frozen: tuple[Any, Executable] | None = field(default=None, repr=False)
    _seen: Any = field(default=None, repr=False)

    def fits(self, shapes: Sequence[Sequence[DimLike]]) -> bool:
        """Whether the program serves arguments of these shapes."""
        program = self.compiled.program
        for value, shape in zip(program.inputs, shapes, strict=False):
            for want, have in zip(value.shape, shape, strict=True):
                if isinstance(want, int) and want != have:
                    return False
        if program.symbolic_inputs > len(shapes):
            shapes = [*shapes, *(variable.static_shape for variable in self.reads)]
        try:
            program.bind(shapes)  # type: ignore[arg-type]
        except ValueError:
            return False
        return True

    def __call__(self, arguments: Sequence[ConcreteTensor], constant_state: bool = False) -> Any:
        """Runs the program and then, if it succeeded, updates the variables.

        Args:
            arguments: The arguments' tensors.
            constant_state: Whether the variables may be built into the executable as constants.
        """
        operands = [*arguments, *(variable.concrete() for variable in self.reads), *self.lifted]
        executable = self._constant_executable(operands) if constant_state and not self.writes else None
        recorded = tuple(operands) if RECORDERS.get() else ()  # holds them, so that no variable is alone with its value
        run = self.compiled.ready(operands, executable)
        results = self._update(run, operands) if self.writes else run.start()
        if recorded:
            record_call(self.compiled.program, recorded, results)
            for variable, tensor in zip(self.reads, recorded[self._first :], strict=False):
                record_reading(variable, tensor)
        return tree.map_structure(
            lambda leaf: results[leaf.index] if isinstance(leaf, _Output) else leaf, self.structure
        )

    @cached_property
    def _first(self) -> int:
        """The place of the first variable among the inputs."""
        return len(self.compiled.program.inputs) - len(self.lifted) - len(self.reads)

    @cached_property
    def _updated(self) -> list[Updated]:
        """The variables whose buffers a run is given, with their places: those that it reads and writes."""
        written = {id(variable) for variable in self.writes if COUNTED}
        return [(self._first + i, variable) for i, variable in enumerate(self.reads) if id(variable) in written]

    @cached_property
    def _donated(self) -> frozenset[int]:
        return frozenset(i for i, _ in self._updated)

    def _update(self, run: Run, operands: list[ConcreteTensor]) -> list[ConcreteTensor]:
        """Runs the program and gives the variables their new values, without an interruption in between."""
        with Uninterrupted(), Donation() as donation:
            donation.take(run, operands, self._updated)
            results = run.start(self._donated)
            replace_all(self.writes, results[len(results) - len(self.writes) :])
        return results

    def _constant_executable(self, operands: Sequence[ConcreteTensor]) -> Executable | None:
        """An executable with the variables as constants, once they have stayed the same for a second call."""
        backend, device = current_backend(), current_device()
        profile = switch.active  # whose executables are its own
        key = (backend, device, profile and profile.number, tuple(variable.version for variable in self.reads))
        if self._frozen is not None and self._frozen[0] == key:
            return self._frozen[1]
        if self._seen != key:
            self._seen = key
            return None
        first = self._first
        fixed = {i: tensor.numpy() for i, tensor in enumerate(operands) if i >= first}
        program = freeze(self.compiled.program, fixed)
        self._frozen = (key, _FewerInputs(compile_program(program, backend, device), first))
        return self._frozen[1]


def replace_all(variables: Sequence[Variable], tensors: Sequence[ConcreteTensor]) -> None:
    """Gives each variable its new value."""
    for variable, tensor in zip(variables, tensors, strict=True):
        variable.replace(tensor)


@dataclass(frozen=True)
class _FewerInputs:
    """An executable that is given the variables too and needs only the arguments."""

    executable: Executable
    count: int

    def __call__(self, inputs: Sequence[Any], donate: frozenset[int] = frozenset()) -> list[Any]:
        return self.executable(inputs[: self.count])

    def synchronize(self) -> None:
        self.executable.synchronize()

    def close(self) -> None:
        self.executable.close()


@dataclass(frozen=True)
class _Output:
    """The place of a program output in a function's result."""

    index: int


class Function:
    """A Python function that runs as programs: traced once for each kind of arguments, then only executed.

    Tensors and arrays among the arguments are inputs; everything else (numbers, strings, None, objects) is part of the
    signature. The first trace takes the sizes that it sees as fixed, save those that `symbolic_axes` names; when
    another size arrives, the next trace makes that axis symbolic, so there are few traces. Variables that the function
    reads and assigns become inputs and outputs; they change only after a run has succeeded.

    Args:
        function: The function.
        symbolic_axes: From the arguments' types to the names of the axes that are symbolic from the start.
        constant_state: Whether variables that the function only reads may become constants of the executable, which is
            faster and costs a compilation whenever they change.
    """

    def __init__(
        self, function: Callable[..., Any], symbolic_axes: SymbolicAxes | None = None, constant_state: bool = False
    ) -> None:
        update_wrapper(self, function)
        self._function = function
        self._name = getattr(function, "__name__", "function")
        self._symbolic_axes = symbolic_axes
        self._constant_state = constant_state
        self._traced: dict[Any, list[TracedFunction]] = {}
        self._sizes: dict[Any, dict[tuple[int, int], DimLike]] = {}
        self._varying: dict[Any, set[tuple[int, int]]] = {}
        self._pinned: dict[Any, set[tuple[int, int]]] = {}
        self._lock = RLock()
        self.trace_count = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if current_trace() is not None:
            return self._function(*args, **kwargs)
        leaves = tree.flatten((args, kwargs))
        tensors = [_as_tensor(leaf) for leaf in leaves]
        arguments = [tensor for tensor in tensors if tensor is not None]
        return self._find((args, kwargs), leaves, tensors, arguments)(arguments, self._constant_state)

    def traced(self, *args: Any, **kwargs: Any) -> TracedFunction:
        """The program for these arguments, without running it."""
        leaves = tree.flatten((args, kwargs))
        tensors = [_as_tensor(leaf) for leaf in leaves]
        return self._find((args, kwargs), leaves, tensors, [tensor for tensor in tensors if tensor is not None])

    def _find(
        self, structure: Any, leaves: list[Any], tensors: list[ConcreteTensor | None], arguments: list[ConcreteTensor]
    ) -> TracedFunction:
        key = _signature(structure, leaves, tensors)
        shapes = [tensor.type.shape for tensor in arguments]
        for traced in reversed(self._traced.get(key, ())):
            if traced.fits(shapes):
                return traced
        with self._lock:
            for traced in self._traced.get(key, ()):
                if traced.fits(shapes):
                    return traced
            traced = self._trace(key, structure, leaves, tensors, arguments)
            self._traced.setdefault(key, []).append(traced)
            return traced

    def _trace(
        self,
        key: Any,
        structure: Any,
        leaves: list[Any],
        tensors: list[ConcreteTensor | None],
        arguments: list[ConcreteTensor],
    ) -> TracedFunction:
        types = [tensor.type for tensor in arguments]
        self._note_varying(key, types)
        pinned = set(self._pinned.get(key, ()))
        while True:
            names = self._names(key, types, pinned)
            try:
                with switch.span("trace", self._name):
                    traced = self._trace_once(names, structure, leaves, tensors, types)
            except (SymbolicDimError, SizeConflictError) as error:
                culprits = _axes_named(names, error) or (set(names) if isinstance(error, SizeConflictError) else set())
                if not culprits:
                    raise
                pinned |= culprits
                continue
            if traced.fits([type.shape for type in types]):
                self._pinned[key] = pinned  # only now: a call that was a mistake makes nothing static
                return traced
            pinned |= set(names)

    def _note_varying(self, key: Any, types: Sequence[TensorType]) -> None:
        before = self._sizes.setdefault(key, {})
        varying = self._varying.setdefault(key, set())
        for i, type in enumerate(types):
            for axis, size in enumerate(type.shape):
                if size != 1 and before.setdefault((i, axis), size) != size:
                    varying.add((i, axis))

    def _names(self, key: Any, types: Sequence[TensorType], pinned: set[tuple[int, int]]) -> dict[tuple[int, int], str]:
        names = {place: f"size_{place[0]}_{place[1]}" for place in sorted(self._varying[key])}
        if self._symbolic_axes is not None:
            names.update(self._symbolic_axes(types))
        return {place: name for place, name in names.items() if place not in pinned}

    def _trace_once(
        self,
        names: dict[tuple[int, int], str],
        structure: Any,
        leaves: list[Any],
        tensors: list[ConcreteTensor | None],
        types: Sequence[TensorType],
    ) -> TracedFunction:
        self.trace_count += 1
        trace = Trace(self._name)
        inputs = []
        for i, type in enumerate(types):
            shape = tuple(symbol(names[i, axis]) if (i, axis) in names else dim for axis, dim in enumerate(type.shape))
            inputs.append(TracedTensor(trace.builder.input(TensorType(type.dtype, shape), f"arg{i}"), trace))
        given = iter(inputs)
        traced_leaves = [leaf if tensor is None else next(given) for leaf, tensor in zip(leaves, tensors, strict=True)]
        args, kwargs = tree.pack(structure, traced_leaves)
        with recording(trace):
            result = self._function(*args, **kwargs)
        return close_trace(trace, result)


def close_trace(trace: Trace, result: Any) -> TracedFunction:
    """Ends a trace whose function returned `result`."""
    outputs: list[Any] = []

    def place(leaf: Any) -> Any:
        if isinstance(leaf, Variable):
            leaf = leaf.__cornu_tensor__() if current_trace() else TracedTensor(trace.read(leaf), trace)
        if not isinstance(leaf, Tensor):
            return leaf
        outputs.append(value_of(leaf, trace))
        return _Output(len(outputs) - 1)

    structure = tree.map_structure(place, result)
    program = trace.builder.finish([*outputs, *trace.writes.values()])
    lifted = trace.lifted or {}
    state = dict.fromkeys((*trace.reads.values(), *lifted.values()))
    arguments = [value for value in program.inputs if value not in state]
    if (*arguments, *state) != program.inputs:
        program = type(program)(program.name, (*arguments, *state), program.outputs, program.nodes)
    # A trace that lifts tensors is made for one run.
    compiled = CompiledProgram(program) if trace.lifted is None else share_compiled(program)
    return TracedFunction(compiled, tuple(trace.reads), tuple(trace.writes), structure, tuple(lifted))


def function(
    fn: Callable[..., Any] | None = None,
    *,
    symbolic_axes: SymbolicAxes | None = None,
    constant_state: bool = False,
) -> Any:
    """Compiles a function: `Function` as a decorator.

    Example:
        >>> import cornu
        >>> @cornu.function
        ... def square(x):
        ...     return x * x
        >>> float(square(cornu.ops.convert_to_tensor(3.0)))
        9.0
    """
    if fn is None:
        return lambda f: Function(f, symbolic_axes, constant_state)
    return Function(fn, symbolic_axes, constant_state)


def _as_tensor(leaf: Any) -> ConcreteTensor | None:
    if isinstance(leaf, ConcreteTensor):
        return leaf
    if isinstance(leaf, np.ndarray):
        return from_numpy(to_array(leaf))
    if isinstance(leaf, TracedTensor):
        raise TypeError(f"{leaf!r} was used outside the function whose trace made it; return it from there instead.")
    return None


def _signature(structure: Any, leaves: list[Any], tensors: list[ConcreteTensor | None]) -> Any:
    parts = [
        (type(leaf), leaf if leaf.__hash__ else _Same(leaf)) if tensor is None else (tensor.dtype, tensor.ndim)
        for leaf, tensor in zip(leaves, tensors, strict=True)
    ]
    return (_form(structure), tuple(parts))


class _Same:
    """Stands for an unhashable object, and keeps it: another one must not come to have its id."""

    def __init__(self, leaf: Any) -> None:
        self._leaf = leaf

    def __hash__(self) -> int:
        return id(self._leaf)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other._leaf is self._leaf


def _form(structure: Any) -> Any:
    """A hashable description of how a structure nests."""
    if isinstance(structure, dict):
        return ("dict", tuple((key, _form(structure[key])) for key in structure))
    if isinstance(structure, (list, tuple)):
        return (type(structure).__name__, tuple(_form(item) for item in structure))
    return "*"


def _axes_named(names: dict[tuple[int, int], str], error: SymbolicDimError | SizeConflictError) -> set[tuple[int, int]]:
    dims = [error.dim] if isinstance(error, SymbolicDimError) else [error.left, error.right]
    wanted = {name for dim in dims if not isinstance(dim, int) for name in dim.symbols}
    return {place for place, name in names.items() if name in wanted}


def move(variables: Sequence[Variable], backend: Backend) -> None:
    """Moves variables into a backend's memory now rather than at their next use."""
    for variable in variables:
        variable.move_to(backend)
