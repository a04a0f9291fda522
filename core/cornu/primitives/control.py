"""Structure: composites (`Call`), branches, loops, and the barrier of rematerialisation.

Sub-programs are closed: what they read from outside is among the node's inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.ir.builder import Builder
from cornu.ir.differentiate import vjp_program
from cornu.ir.dim import DimLike
from cornu.ir.interpret import BoundBody
from cornu.ir.primitive import Primitive, register
from cornu.ir.program import Node, Program, Value
from cornu.ir.shapes import require_equal
from cornu.ir.types import TensorType, is_float


def require_types(actual: Sequence[TensorType], expected: Sequence[TensorType], what: str) -> None:
    """Checks operands against a sub-program's types.

    Raises:
        TypeError: If numbers, dtypes or ranks differ.
        SizeConflictError: If sizes differ.
    """
    if len(actual) != len(expected):
        raise TypeError(f"{what}: expected {len(expected)} tensors, got {len(actual)}.")
    for i, (have, want) in enumerate(zip(actual, expected, strict=True)):
        if have.dtype != want.dtype or have.rank != want.rank:
            raise TypeError(f"{what}: tensor {i} is {have}, expected {want}.")
        for left, right in zip(have.shape, want.shape, strict=True):
            require_equal(left, right, f"{what}: tensor {i} is {have}, expected {want}")


def types_of(values: Sequence[Value]) -> tuple[TensorType, ...]:
    """The types of values."""
    return tuple(value.type for value in values)


def float_mask(values: Sequence[Value]) -> list[bool]:
    """Which values can have a cotangent."""
    return [is_float(value.dtype) for value in values]


def spread(mask: Sequence[bool], cotangents: Sequence[Value]) -> list[Value | None]:
    """Cotangents back at their places among all inputs."""
    given = iter(cotangents)
    return [next(given) if wanted else None for wanted in mask]


# -- Call ----------------------------------------------------------------------------------------------------------


def _infer_call(
    *types: TensorType, name: str, body: Program, vjp: Program | None = None, primals: int = 0, **config: Any
) -> tuple[TensorType, ...]:
    """A named composite. Its outputs are `primals` results and then the residuals that `vjp` takes.

    Shape: those of the body's outputs.
    """
    require_types(types, types_of(body.inputs), f"Call of {name}")
    return types_of(body.outputs)


def _call(*arrays: np.ndarray, body: BoundBody, **config: Any) -> list[np.ndarray]:
    return body(*arrays)


def _call_vjp(b: Builder, node: Node, *gs: Value) -> Sequence[Value | None]:
    body: Program = node.attributes["body"]
    vjp: Program | None = node.attributes.get("vjp")
    primals = node.attributes.get("primals") or len(node.outputs)
    wanted = float_mask(body.inputs)
    arriving = [g for g in gs if is_float(g.dtype)]
    residuals_differentiated = any(is_float(g.dtype) and not b.is_zero(g) for g in gs[primals:])
    if vjp is None or residuals_differentiated:
        rule = vjp_program(body, wanted)
        given = [*node.inputs, *arriving]
    else:
        rule = vjp
        given = [*node.outputs[primals:], *node.inputs, *(g for g in gs[:primals] if is_float(g.dtype))]
    name = f"{node.attributes['name']}Grad"
    config = {k: v for k, v in node.attributes.items() if k not in ("name", "body", "vjp", "primals")}
    outputs = b.emit("Call", given, {"name": name, "body": rule, **config})
    return spread(wanted, outputs)


register(Primitive("Call", _infer_call, _call, _call_vjp))


# -- If ------------------------------------------------------------------------------------------------------------


def _infer_if(condition: TensorType, *types: TensorType, then: Program, otherwise: Program) -> tuple[TensorType, ...]:
    """The results of `then` where the condition holds, else those of `otherwise`; only one of them runs.

    Shape: those of the branches' outputs, which agree.
    """
    require_types((condition,), (TensorType("bool", ()),), "If's condition")
    require_types(types, types_of(then.inputs), "If's then-branch")
    require_types(types, types_of(otherwise.inputs), "If's else-branch")
    require_types(types_of(otherwise.outputs), types_of(then.outputs), "If's branches")
    return types_of(then.outputs)


def _if(condition: np.ndarray, *arrays: np.ndarray, then: BoundBody, otherwise: BoundBody) -> list[np.ndarray]:
    return then(*arrays) if condition else otherwise(*arrays)


def _if_vjp(b: Builder, node: Node, *gs: Value) -> Sequence[Value | None]:
    then, otherwise = node.attributes["then"], node.attributes["otherwise"]
    wanted = float_mask(then.inputs)
    rules = {"then": vjp_program(then, wanted), "otherwise": vjp_program(otherwise, wanted)}
    outputs = b.emit("If", [*node.inputs, *(g for g in gs if is_float(g.dtype))], rules)
    return [None, *spread(wanted, outputs)]


register(Primitive("If", _infer_if, _if, _if_vjp))


# -- Scan ----------------------------------------------------------------------------------------------------------


def _stacked(type: TensorType, length: DimLike) -> TensorType:
    return TensorType(type.dtype, (length, *type.shape))


def _infer_scan(
    *types: TensorType, body: Program, carries: int, sequences: int, length: DimLike, reverse: bool
) -> tuple[TensorType, ...]:
    """A loop over the first axis.

    The node's inputs are carries, sequences and constants; the body's the same with one element of each sequence; the
    body's outputs are the next carries and one element of each result. With `reverse` it goes from the last element to
    the first, and results lie at their element's place.

    Shape: those of the carries, then the body's other outputs stacked `length` times.
    """
    elements = list(types)
    for i in range(carries, carries + sequences):
        require_equal(types[i].shape[0], length, f"Scan over {types[i]}")
        elements[i] = TensorType(types[i].dtype, types[i].shape[1:])
    require_types(elements, types_of(body.inputs), "Scan's body")
    outputs = types_of(body.outputs)
    require_types(outputs[:carries], types[:carries], "Scan's carries after a step")
    return (*types[:carries], *(_stacked(type, length) for type in outputs[carries:]))


def _scan(
    *arrays: np.ndarray, body: BoundBody, carries: int, sequences: int, length: int, reverse: bool
) -> list[np.ndarray]:
    state = list(arrays[:carries])
    xs, constants = arrays[carries : carries + sequences], arrays[carries + sequences :]
    steps: list[list[np.ndarray]] = [[] for _ in range(length)]
    for t in reversed(range(length)) if reverse else range(length):
        outputs = body(*state, *(x[t] for x in xs), *constants)
        state, steps[t] = outputs[:carries], outputs[carries:]
    if not length:
        return state + [np.zeros((0, *shape), dtype) for dtype, shape in body.output_types[carries:]]
    return state + [np.stack(column) for column in zip(*steps, strict=True)]


def _scan_vjp(b: Builder, node: Node, *gs: Value) -> Sequence[Value | None]:
    """A second scan saves every step's carries; a reversed one recomputes each step and carries cotangents back."""
    a = node.attributes
    body: Program = a["body"]
    n, m, length = a["carries"], a["sequences"], b.resolve(a["length"])
    saved = b.emit("Scan", node.inputs, {**a, "body": _saving(body, n)})[len(node.outputs) :]
    wanted = float_mask(body.inputs)
    step = vjp_program(body, wanted)
    inputs = body.inputs
    kept_constants = [i for i in range(n + m, len(inputs)) if wanted[i]]
    carried = [i for i in range(n) if wanted[i]]

    r = Builder(f"{body.name}_reverse")
    ct_carries = [r.input(inputs[i].type) for i in carried]
    ct_constants = [r.input(inputs[i].type) for i in kept_constants]
    x_carries = [r.input(value.type) for value in inputs[:n]]
    x_elements = [r.input(value.type) for value in inputs[n : n + m]]
    ct_results = [r.input(value.type) for value in body.outputs[n:] if is_float(value.dtype)]
    constants = [r.input(value.type) for value in inputs[n + m :]]
    found = spread(wanted, r.inline(step, [*x_carries, *x_elements, *constants, *ct_carries, *ct_results]))
    sums = [r.Add(total, found[i]) for total, i in zip(ct_constants, kept_constants, strict=True)]
    elements = [found[i] for i in range(n, n + m) if wanted[i]]
    reverse_body = r.finish([*(found[i] for i in carried), *sums, *elements])  # type: ignore[list-item]

    sequences = [*saved, *node.inputs[n : n + m], *(g for g in gs[n:] if is_float(g.dtype))]
    outputs = b.emit(
        "Scan",
        [
            *(gs[i] for i in carried),
            *(b.zeros(b.resolve_type(node.inputs[i].type)) for i in kept_constants),
            *sequences,
            *node.inputs[n + m :],
        ],
        {
            "body": reverse_body,
            "carries": len(carried) + len(kept_constants),
            "sequences": len(sequences),
            "length": length,
            "reverse": not a["reverse"],
        },
    )
    return _scan_cotangents(outputs, wanted, n, m)


def _scan_cotangents(outputs: Sequence[Value], wanted: Sequence[bool], n: int, m: int) -> list[Value | None]:
    """The reverse scan's results (carries, constants, elements) in the order of the forward scan's inputs."""
    carried, constants = sum(wanted[:n]), sum(wanted[n + m :])
    return [
        *spread(wanted[:n], outputs[:carried]),
        *spread(wanted[n : n + m], outputs[carried + constants :]),
        *spread(wanted[n + m :], outputs[carried : carried + constants]),
    ]


def _saving(body: Program, carries: int) -> Program:
    """The body that also returns the carries it was given."""
    b = Builder(body.name)
    inputs = [b.input(value.type, value.name) for value in body.inputs]
    outputs = b.inline(body, inputs)
    return b.finish([*outputs, *(b.Identity(value) for value in inputs[:carries])])


def _scan_decompose(b: Builder, node: Node) -> Sequence[Value] | None:
    """A loop from the last element to the first, as one from the first to the last on what is turned round."""
    a = node.attributes
    if not a["reverse"]:
        return None
    first, last = a["carries"], a["carries"] + a["sequences"]

    def turned(x: Value) -> Value:
        turn = {"starts": (a["length"] - 1,), "ends": (-1,), "axes": (0,), "steps": (-1,)}
        return b.emit("Slice", (x,), turn)[0]

    operands = [turned(x) if first <= i < last else x for i, x in enumerate(node.inputs)]
    results = b.emit("Scan", operands, {**a, "reverse": False})
    return [*results[:first], *map(turned, results[first:])]


register(Primitive("Scan", _infer_scan, _scan, _scan_vjp, _scan_decompose, partly=True))


# -- While ---------------------------------------------------------------------------------------------------------


def _infer_while(*types: TensorType, condition: Program, body: Program, carries: int) -> tuple[TensorType, ...]:
    """Repeats `body` on the carries while `condition` holds; both also take the constants that follow them.

    Shape: those of the carries.
    """
    require_types(types, types_of(body.inputs), "While's body")
    require_types(types, types_of(condition.inputs), "While's condition")
    require_types(types_of(condition.outputs), (TensorType("bool", ()),), "While's condition's result")
    require_types(types_of(body.outputs), types[:carries], "While's carries after a step")
    return types[:carries]


def _while(*arrays: np.ndarray, condition: BoundBody, body: BoundBody, carries: int) -> list[np.ndarray]:
    state, constants = list(arrays[:carries]), arrays[carries:]
    while condition(*state, *constants)[0]:
        state = body(*state, *constants)
    return state


def _while_vjp(b: Builder, node: Node, *gs: Value) -> Sequence[Value | None]:
    raise ValueError("A while loop of unknown length cannot be differentiated in reverse mode; use a scan.")


register(Primitive("While", _infer_while, _while, _while_vjp))


# -- Barrier -------------------------------------------------------------------------------------------------------


def _infer_barrier(*types: TensorType) -> tuple[TensorType, ...]:
    """Returns all operands but the last unchanged, and only after the last one is known.

    Shape: those of all operands but the last.
    """
    if len(types) < 2:
        raise TypeError("Barrier takes the tensors to hold back and one to wait for.")
    return types[:-1]


def _barrier(*arrays: np.ndarray) -> list[np.ndarray]:
    return [array.copy() for array in arrays[:-1]]


def _barrier_vjp(b: Builder, node: Node, *gs: Value) -> Sequence[Value | None]:
    return [*gs, None]


def _barrier_decompose(b: Builder, node: Node) -> Sequence[Value]:
    """The operands themselves: the same numbers, but nothing is held back, so that no memory is saved."""
    return node.inputs[:-1]


register(Primitive("Barrier", _infer_barrier, _barrier, _barrier_vjp, _barrier_decompose, pure=False))
