"""Sub-programs from Python functions: composites, branches, loops, custom gradients, rematerialisation.

Assignments to variables inside a body become extra results or carried values of the node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cornu import tree
from cornu.ir.builder import Builder
from cornu.ir.differentiate import vjp_program
from cornu.ir.dim import DimLike
from cornu.ir.primitive import all_primitives
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType, is_float
from cornu.tracing.eager import record_reading, run_eagerly
from cornu.tracing.function import close_trace, replace_all
from cornu.tracing.tensor import Tensor, TracedTensor, convert, value_of
from cornu.tracing.trace import Trace, current_trace, recording
from cornu.tracing.uninterrupted import Uninterrupted
from cornu.tracing.variable import Variable


@dataclass
class _Body:
    """A traced sub-program before it is closed: `results` are values of its builder."""

    trace: Trace
    inputs: list[Value]
    results: list[Value]
    structure: Any

    @property
    def writes(self) -> dict[Variable, Value]:
        return self.trace.writes

    def close(self, outputs: Sequence[Value]) -> tuple[Program, list[Value]]:
        """The program and the outer values that its further inputs stand for."""
        program = self.trace.builder.finish(outputs)
        outer = {inner: value for value, inner in self.trace.builder.captures.items()}
        return program, [outer[value] for value in program.inputs if value in outer]


def _trace_body(name: str, fn: Callable[..., Any], types: Sequence[TensorType], held: Sequence[Variable] = ()) -> _Body:
    """Traces `fn` on inputs of `types`; the variables in `held` start as further inputs."""
    trace = Trace(name, current_trace())
    inputs = [trace.builder.input(type) for type in types]
    for variable in held:
        value = trace.builder.input(TensorType(variable.dtype, variable.static_shape), variable.path)
        inputs.append(value)
        trace.hold(variable, value)
    with recording(trace):
        result = fn(*(TracedTensor(value, trace) for value in inputs[: len(types)]))
        leaves = [convert(leaf) for leaf in tree.flatten(result) if leaf is not None]
    return _Body(trace, inputs, [trace.builder.own(value_of(leaf, trace)) for leaf in leaves], result)


def _pack(structure: Any, tensors: Sequence[Tensor]) -> Any:
    given = iter(tensors)
    return tree.map_structure(lambda leaf: None if leaf is None else next(given), structure)


def _outer() -> Trace:
    trace = current_trace()
    assert trace is not None
    return trace


def _emit(op: str, inputs: Sequence[Any], attributes: dict[str, Any]) -> list[Tensor]:
    trace = _outer()
    return [TracedTensor(value, trace) for value in trace.builder.emit(op, inputs, attributes)]


def _store(writes: Sequence[Variable], tensors: Sequence[Tensor]) -> None:
    trace = _outer()
    for variable, tensor in zip(writes, tensors, strict=True):
        assert isinstance(tensor, TracedTensor)
        trace.write(variable, tensor._value)


def _compiled(fn: Callable[..., Any], *inputs: Any) -> Any:
    """Runs a structure outside any trace: as a program of its own, whose executable an equal one uses again."""
    leaves = tree.flatten(inputs)
    tensors = [leaf for leaf in leaves if leaf is not None]
    trace = Trace("structure", lift=True)
    given = [TracedTensor(trace.builder.input(tensor.type), trace) for tensor in tensors]
    with recording(trace):
        result = fn(*_pack(inputs, given))
    return close_trace(trace, result)(tensors)


# -- composites ----------------------------------------------------------------------------------------------------


def composite(
    name: str,
    fn: Callable[..., Any],
    *inputs: Any,
    vjp: Callable[..., Any] | None = None,
    residuals: bool = False,
    **config: Any,
) -> Any:
    """Records `fn(*inputs)` as one named node, which a backend may run as a whole and others see inlined.

    Args:
        name: The composite's name.
        fn: From tensors to a tensor or a tuple; with `residuals` to a pair `(results, residuals)` of such.
        inputs: The tensors.
        vjp: `(residuals, inputs, cotangents) -> one cotangent or None per input`, all tuples of tensors; without it
            differentiation goes through the body. What `fn` reads besides its inputs gets no cotangent from it.
        residuals: Whether `fn` returns residuals for `vjp`.
        config: Attributes by which a backend or an exporter recognises what is computed.

    Returns:
        What `fn` returns, without residuals.

    Raises:
        ValueError: If the name is a primitive's.
    """
    if name in all_primitives():
        raise ValueError(f"composite: {name!r} is a primitive's name; a backend could not tell them apart.")
    tensors = [convert(x) for x in inputs]
    if current_trace() is None:
        return _eager_composite(name, fn, tensors, vjp, residuals, config)
    return _traced_composite(name, fn, tensors, vjp, residuals, config)


def _traced_composite(
    name: str, fn: Callable[..., Any], tensors: Sequence[Tensor], vjp: Any, residuals: bool, config: dict[str, Any]
) -> Any:
    trace = _outer()
    body = _trace_body(name, fn, [tensor.type for tensor in tensors])
    results = body.structure[0] if residuals else body.structure
    primals = len([leaf for leaf in tree.flatten(results) if leaf is not None])
    writes = list(body.writes)
    saved = body.results[primals:]
    program, captured = body.close([*body.results[:primals], *body.writes.values(), *saved])
    attributes: dict[str, Any] = {"name": name, "body": program, "primals": primals + len(writes), **config}
    if vjp is not None:
        program, attributes["vjp"] = _vjp_body(name, vjp, program, primals, len(writes), captured)
        attributes["body"] = program
    outputs = _emit("Call", [*(value_of(t, trace) for t in tensors), *captured], attributes)
    _store(writes, outputs[primals : primals + len(writes)])
    return _pack(results, outputs[:primals])


def _vjp_body(
    name: str, vjp: Any, program: Program, primals: int, writes: int, captured: list[Value]
) -> tuple[Program, Program]:
    """Traces a gradient rule: inputs are residuals, the body's inputs, and cotangents of the float results.

    What the rule reads from outside and the body does not becomes a further input of both, and is added to `captured`.
    """
    trace = Trace(f"{name}_vjp", _outer())
    b = trace.builder
    given = len(program.inputs) - len(captured)

    def inputs(values: Sequence[Value]) -> list[TracedTensor]:
        return [TracedTensor(b.input(value.type), trace) for value in values]

    saved = inputs(program.outputs[primals + writes :])
    arguments = inputs(program.inputs)
    b.captures.update(zip(captured, (argument._value for argument in arguments[given:]), strict=True))
    arriving = inputs([value for value in program.outputs[: primals + writes] if is_float(value.dtype)])
    cotangents = iter(arriving)
    with recording(trace):
        full = tuple(next(cotangents) if is_float(v.dtype) else None for v in program.outputs[:primals])
        leaving = vjp(tuple(saved), tuple(arguments[:given]), full)
        leaving = leaving if isinstance(leaving, (tuple, list)) else (leaving,)
        if len(leaving) != given:
            raise ValueError(f"The gradient rule of {name} returned {len(leaving)} cotangents for {given} inputs.")
        values = [None if g is None else value_of(convert(g), trace) for g in leaving]
    further = {outer: inner for outer, inner in b.captures.items() if outer not in captured}
    captured += further
    body_inputs = (*program.inputs, *(Value(value.type, value.name) for value in further))
    values += [None] * (len(body_inputs) - given)
    outputs = [
        b.zeros(value.type) if g is None else g
        for value, g in zip(body_inputs, values, strict=True)
        if is_float(value.dtype)
    ]
    rule = b.finish(outputs)
    ordered = (*(t._value for t in (*saved, *arguments)), *further.values(), *(t._value for t in arriving))
    return (
        Program(program.name, body_inputs, program.outputs, program.nodes),
        Program(rule.name, ordered, rule.outputs, rule.nodes),
    )


def _eager_composite(
    name: str, fn: Callable[..., Any], tensors: Sequence[Tensor], vjp: Any, residuals: bool, config: dict[str, Any]
) -> Any:
    trace = Trace(name, lift=True)
    with recording(trace):
        inputs = [TracedTensor(trace.builder.input(t.type), trace) for t in tensors]
        results = _traced_composite(name, fn, inputs, vjp, residuals, config)
    call = trace.builder.nodes[-1]
    operands: dict[Value, Any] = {x._value: tensor for x, tensor in zip(inputs, tensors, strict=True)}
    for variable, value in trace.reads.items():
        operands[value] = variable.concrete()
        record_reading(variable, operands[value])
    operands.update((value, tensor) for tensor, value in (trace.lifted or {}).items())
    outputs = run_eagerly("Call", [operands[value] for value in call.inputs], dict(call.attributes))
    count = len([leaf for leaf in tree.flatten(results) if leaf is not None])
    with Uninterrupted():
        replace_all(list(trace.writes), outputs[count : count + len(trace.writes)])
    return _pack(results, outputs[:count])


def custom_gradient(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a function its own gradient: it returns `(result, grad)`, and `grad(*args, upstream)` the cotangents.

    Args:
        fn: From tensors to `(outputs, grad_fn)`. `grad_fn(*args, upstream=cotangent)` returns a cotangent per input.

    Example:
        >>> import cornu
        >>> @cornu.ops.custom_gradient
        ... def log1pexp(x):
        ...     e = cornu.ops.exp(x)
        ...     def grad(*args, upstream=None):
        ...         (upstream,) = args if upstream is None else (upstream,)
        ...         return upstream * (1 - 1 / (1 + e))
        ...     return cornu.ops.log(1 + e), grad
        >>> round(float(cornu.grad(log1pexp)(cornu.ops.convert_to_tensor(100.0))), 4)
        1.0
    """

    def run(*args: Any) -> Any:
        def forward(*tensors: Tensor) -> Any:
            return fn(*tensors)[0]

        def rule(saved: Any, tensors: tuple[Tensor, ...], cotangents: tuple[Tensor, ...]) -> Any:
            return fn(*tensors)[1](*cotangents)

        function = getattr(fn, "__name__", "")
        return composite("CustomGradient", forward, *args, vjp=rule, function=function)

    return run


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """Makes differentiation compute the function's intermediates again instead of keeping them in memory.

    A barrier ties the second computation to the arrival of the cotangents, so that no pass merges it with the first.
    """

    def run(*args: Any) -> Any:
        if current_trace() is None:
            return f(*args)
        trace = _outer()
        tensors = [convert(x) for x in args]
        body = _trace_body("remat", f, [t.type for t in tensors])
        primals = len(body.results)
        writes = list(body.writes)
        program, captured = body.close([*body.results, *body.writes.values()])
        attributes = {"name": "Remat", "body": program, "primals": primals + len(writes), "vjp": _recomputing(program)}
        outputs = _emit("Call", [*(value_of(t, trace) for t in tensors), *captured], attributes)
        _store(writes, outputs[primals:])
        return _pack(body.structure, outputs[:primals])

    return run


def _recomputing(program: Program) -> Program:
    b = Builder("remat_vjp")
    inputs = [b.input(value.type) for value in program.inputs]
    arriving = [b.input(value.type) for value in program.outputs if is_float(value.dtype)]
    held = b.emit("Barrier", [*inputs, *arriving[:1]], {}) if arriving else tuple(inputs)
    wanted = [is_float(value.dtype) for value in program.inputs]
    return b.finish(b.inline(vjp_program(program, wanted), [*held, *arriving]))


# -- branches ------------------------------------------------------------------------------------------------------


def cond(predicate: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` where the predicate holds, else `false_fn()`: only that one runs.

    Args:
        predicate: A scalar tensor or a Python bool.
        true_fn: Returns a tensor or a structure.
        false_fn: Returns the same structure with the same dtypes and shapes.

    Raises:
        ValueError, TypeError: If the branches' results differ in structure, dtype or shape.
    """
    if isinstance(predicate, bool):
        return true_fn() if predicate else false_fn()
    condition = convert(predicate)
    if current_trace() is None:
        return true_fn() if bool(condition) else false_fn()
    if condition.dtype != "bool":
        condition = convert(condition, "bool")
    trace = _outer()
    then, otherwise = _trace_body("then", true_fn, ()), _trace_body("otherwise", false_fn, ())
    if tree.describe(then.structure) != tree.describe(otherwise.structure):
        raise ValueError(
            f"cond: the branches return different structures, {tree.describe(then.structure)} "
            f"and {tree.describe(otherwise.structure)}."
        )
    writes = list(dict.fromkeys([*then.writes, *otherwise.writes]))
    programs = [_with_writes(body, writes) for body in (then, otherwise)]
    captured = list(dict.fromkeys(value for _, values in programs for value in values))
    closed = [_take(program, values, captured) for program, values in programs]
    outputs = _emit("If", [value_of(condition, trace), *captured], {"then": closed[0], "otherwise": closed[1]})
    _store(writes, outputs[len(then.results) :])
    return _pack(then.structure, outputs[: len(then.results)])


def _with_writes(body: _Body, writes: Sequence[Variable]) -> tuple[Program, list[Value]]:
    return body.close([*body.results, *(body.trace.read(variable) for variable in writes)])


def _take(program: Program, values: Sequence[Value], captured: Sequence[Value]) -> Program:
    """The same program with one input for each of `captured`, of which it uses its own `values`."""
    b = Builder(program.name)
    inputs = {value: b.input(value.type) for value in captured}
    return b.finish(b.inline(program, [inputs[value] for value in values]))


# -- loops ---------------------------------------------------------------------------------------------------------


def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: DimLike | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> Any:
    """A loop over the first axis that carries a state: `carry, y = f(carry, x)`; results are stacked.

    Args:
        f: From the carry and one element of `xs` to the next carry and a result (each a structure, or None).
        init: The first carry.
        xs: Tensors that share their first axis, or None.
        length: The number of steps; needed without `xs`.
        reverse: Whether to go from the last element to the first.
        unroll: A hint that backends may follow: a positive integer or a bool.

    Returns:
        The last carry and the stacked results.

    Raises:
        ValueError: If neither `xs` nor `length` is given, or lengths differ.
    """
    if not isinstance(unroll, (bool, int)) or (not isinstance(unroll, bool) and unroll < 1):
        raise ValueError(f"scan: unroll must be a bool or a positive integer, got {unroll!r}.")
    if current_trace() is None:
        return _compiled(lambda carry, elements: scan(f, carry, elements, length, reverse), *_arrays(init, xs))
    carries = [convert(leaf) for leaf in tree.flatten(init)]
    sequences = [convert(leaf) for leaf in tree.flatten(xs) if leaf is not None]
    if not sequences and length is None:
        raise ValueError("scan: give `xs` or `length`.")
    count: DimLike = sequences[0].type.shape[0] if sequences else length  # type: ignore[assignment]
    if length is not None and length != count:
        raise ValueError(f"scan: length is {length}, but xs has {count} elements.")
    types = [t.type for t in carries] + [TensorType(t.dtype, t.type.shape[1:]) for t in sequences]

    def step(*tensors: Tensor) -> Any:
        state = tree.pack(init, list(tensors[: len(carries)]))
        return f(state, _pack(xs, tensors[len(carries) :]))

    written, body = _trace_loop("scan", step, types)
    return _finish_scan(body, written, carries, sequences, count, reverse)


def _arrays(*structures: Any) -> list[Any]:
    """Eager arguments with every number as a tensor."""
    return [tree.map_structure(lambda leaf: None if leaf is None else convert(leaf), s) for s in structures]


def _trace_loop(name: str, step: Callable[..., Any], types: Sequence[TensorType]) -> tuple[list[Variable], _Body]:
    """Traces a loop's body; if it assigns variables, once more with those as carried values."""
    body = _trace_body(name, step, types)
    written = list(body.writes)
    if written:
        body = _trace_body(name, step, types, written)
    return written, body


def _finish_scan(
    body: _Body,
    written: Sequence[Variable],
    carries: Sequence[Tensor],
    sequences: Sequence[Tensor],
    count: DimLike,
    reverse: bool,
) -> Any:
    trace = _outer()
    n, m = len(carries), len(sequences)
    next_carry, _ = body.structure
    if len([leaf for leaf in tree.flatten(next_carry) if leaf is not None]) != n:
        raise ValueError(f"scan: the carry has {n} tensors, the function returned {tree.describe(next_carry)}.")
    stepped = [*body.results[:n], *(body.trace.read(variable) for variable in written), *body.results[n:]]
    program, captured = body.close(stepped)
    order = [*range(n), *range(n + m, n + m + len(written)), *range(n, n + m)]
    order += range(n + m + len(written), len(program.inputs))
    program = Program(program.name, tuple(program.inputs[i] for i in order), program.outputs, program.nodes)
    start = [*carries, *(TracedTensor(trace.read(variable), trace) for variable in written)]
    outputs = _emit(
        "Scan",
        [*(value_of(t, trace) for t in (*start, *sequences)), *captured],
        {"body": program, "carries": len(start), "sequences": m, "length": count, "reverse": reverse},
    )
    _store(written, outputs[n : len(start)])
    return _pack(body.structure, [*outputs[:n], *outputs[len(start) :]])


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """Repeats `loop_vars = body(*loop_vars)` while `cond(*loop_vars)` holds.

    Args:
        cond: Returns a scalar bool.
        body: Returns the next loop variables in the same structure.
        loop_vars: A tensor, or a tuple or list of tensors and structures.
        maximum_iterations: A limit on the number of repetitions.

    Returns:
        The last loop variables.
    """
    single = not isinstance(loop_vars, (tuple, list))
    variables = (loop_vars,) if single else tuple(loop_vars)
    if current_trace() is None:
        arrays = _arrays(variables)[0]
        result = _compiled(lambda given: while_loop(cond, body, given, maximum_iterations), arrays)
        return result[0] if single else type(loop_vars)(result)
    trace = _outer()
    leaves = [convert(leaf) for leaf in tree.flatten(variables)]
    if maximum_iterations is not None:
        leaves.append(convert(0, "int64"))
    types = [leaf.type for leaf in leaves]

    def arguments(tensors: Sequence[Tensor]) -> Any:
        given = tensors[:-1] if maximum_iterations is not None else tensors
        return tree.pack(variables, list(given))

    def step(*tensors: Tensor) -> Any:
        result = body(*arguments(tensors))
        packed = list(result) if isinstance(result, (tuple, list)) and not single else [result]
        return [*packed, *([tensors[-1] + 1] if maximum_iterations is not None else [])]

    def test(*tensors: Tensor) -> Any:
        holds = convert(cond(*arguments(tensors)), "bool")
        return holds if maximum_iterations is None else holds & (tensors[-1] < maximum_iterations)

    written, stepped = _trace_loop("body", step, types)
    tested = _trace_body("condition", test, types, written)
    results = [*stepped.results, *(stepped.trace.read(variable) for variable in written)]
    n = len(leaves) + len(written)
    (body_program, body_values), (test_program, test_values) = stepped.close(results), tested.close(tested.results)
    captured = list(dict.fromkeys([*body_values, *test_values]))
    start = [*(value_of(t, trace) for t in leaves), *(trace.read(variable) for variable in written)]
    outputs = _emit(
        "While",
        [*start, *captured],
        {
            "condition": _take_after(test_program, n, test_values, captured),
            "body": _take_after(body_program, n, body_values, captured),
            "carries": n,
        },
    )
    _store(written, outputs[len(leaves) :])
    kept = outputs[: len(leaves) - (maximum_iterations is not None)]
    packed = tree.pack(variables, list(kept))
    return packed[0] if single else type(loop_vars)(packed)


def _take_after(program: Program, carries: int, values: Sequence[Value], captured: Sequence[Value]) -> Program:
    b = Builder(program.name)
    state = [b.input(value.type) for value in program.inputs[:carries]]
    inputs = {value: b.input(value.type) for value in captured}
    return b.finish(b.inline(program, [*state, *(inputs[value] for value in values)]))
