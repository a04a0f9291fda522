"""Branches, loops and maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import tracing, tree
from cornu.ir.dim import DimLike
from cornu.ops.arguments import as_tensor, emit, one_axis, sizes, with_shape
from cornu.ops.keras_tensor import is_symbolic
from cornu.ops.operation import Operation
from cornu.tracing.tensor import Tensor


class _Structure(Operation):
    """A structure with functions among its arguments, recorded in a functional model as it was called."""

    function: Callable[..., Any]

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return type(self).function(*args, **kwargs)


def _recorded(class_name: str, function: Callable[..., Any]) -> type[_Structure]:
    return type(class_name, (_Structure,), {"function": staticmethod(function), "__doc__": function.__doc__})


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` where the predicate holds, else `false_fn()`: only that one runs.

    Args:
        pred: A scalar.
        true_fn, false_fn: Functions of no arguments that return the same structure.
    """
    if is_symbolic(pred):
        return _Cond()(pred, true_fn, false_fn)
    return _cond(pred, true_fn, false_fn)


def _cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    return tracing.cond(pred if isinstance(pred, bool) else as_tensor(pred, "bool"), true_fn, false_fn)


_Cond = _recorded("Cond", _cond)


def switch(index: Any, branches: Any, *operands: Any) -> Any:
    """`branches[index](*operands)`; an index out of range is clamped.

    Raises:
        ValueError: If there is no branch.
    """
    if is_symbolic(index, operands):
        return _Switch()(index, branches, *operands)
    return _switch(index, branches, *operands)


def _switch(index: Any, branches: Any, *operands: Any) -> Any:
    if not branches:
        raise ValueError("switch takes at least one branch.")
    place = as_tensor(index, "int32")

    def choose(first: int) -> Any:
        if first == len(branches) - 1:
            return branches[first](*operands)
        here = emit("LessOrEqual", place, first)
        return tracing.cond(here, lambda: branches[first](*operands), lambda: choose(first + 1))

    return choose(0)


_Switch = _recorded("Switch", _switch)


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """Repeats `loop_vars = body(*loop_vars)` while `cond(*loop_vars)` holds.

    Args:
        cond: Returns a scalar bool.
        body: Returns the next loop variables in the same structure.
        loop_vars: A tensor, or a tuple or list of them.
        maximum_iterations: A limit on the repetitions.
    """
    if is_symbolic(loop_vars):
        return _WhileLoop()(cond, body, loop_vars, maximum_iterations)
    return tracing.while_loop(cond, body, loop_vars, maximum_iterations)


_WhileLoop = _recorded("WhileLoop", tracing.while_loop)


def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: DimLike | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> Any:
    """A loop over the first axis that carries a state: `carry, y = f(carry, x)`; the results `y` are stacked.

    Args:
        f: From the carry and one element of `xs` to the next carry and a result.
        init: The first carry.
        xs: Tensors that share their first axis, or None.
        length: The number of steps; needed without `xs`.
        reverse: Whether to go from the last element to the first.
        unroll: A hint: a positive integer or a bool.

    Returns:
        The last carry and the stacked results.
    """
    if is_symbolic(init, xs):
        return _Scan()(f, init, xs, length=length, reverse=reverse, unroll=unroll)
    return tracing.scan(f, init, xs, length, reverse, unroll)


_Scan = _recorded("Scan", tracing.scan)


def map(f: Callable[..., Any], xs: Any) -> Any:
    """`f` of each element along the first axis, one after another; the results are stacked."""
    return scan(lambda carry, x: (carry, f(x)), (), xs)[1]


def vectorized_map(function: Callable[..., Any], elements: Any) -> Any:
    """`function` of each element along the first axis; the results are stacked."""
    return map(function, elements)


def fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any) -> Any:
    """Repeats `value = body_fun(i, value)` for `i` from `lower` to `upper - 1`.

    Args:
        lower, upper: Integers or scalar tensors.
        body_fun: From an int32 index and the value to the next value.
        init_val: The first value: a tensor or a structure.
    """
    if is_symbolic(lower, upper, init_val):
        return _ForiLoop()(lower, upper, body_fun, init_val)
    return _fori_loop(lower, upper, body_fun, init_val)


def _fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any) -> Any:
    if isinstance(lower, int) and isinstance(upper, int):

        def step(value: Any, i: Any) -> tuple[Any, None]:
            return body_fun(i, value), None

        if upper <= lower:
            return init_val
        steps = emit("Range", start=lower, step=1, size=upper - lower, dtype="int32")
        return tracing.scan(step, init_val, steps)[0]
    end = as_tensor(upper, "int32")

    def running(i: Any, value: Any) -> Any:
        return emit("Less", i, end)

    def body(i: Any, value: Any) -> Any:
        return emit("Add", i, 1), body_fun(i, value)

    return tracing.while_loop(running, body, (as_tensor(lower, "int32"), init_val))[1]


_ForiLoop = _recorded("ForiLoop", _fori_loop)


def associative_scan(f: Callable[..., Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """Running results of an associative operation along an axis, in a logarithmic number of steps.

    Args:
        f: An associative function of two structures like `elems`, applied to whole slices at once.
        elems: Tensors that share the axis's size, which must be known.
        reverse: Whether to run from the end.
        axis: The axis.

    Raises:
        ValueError: If the sizes along the axis differ or are unknown.
    """
    if is_symbolic(elems):
        return _AssociativeScan()(f, elems, reverse=reverse, axis=axis)
    return _associative_scan(f, elems, reverse, axis)


def _associative_scan(f: Callable[..., Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    from cornu.ops.shaping import flip

    leaves = [as_tensor(leaf) for leaf in tree.flatten(elems)]
    places = [one_axis(axis, leaf.ndim, "associative_scan") for leaf in leaves]
    lengths = {sizes(leaf)[place] for leaf, place in zip(leaves, places, strict=True)}
    if len(lengths) != 1 or not all(isinstance(length, int) for length in lengths):
        raise ValueError(f"associative_scan: the axis must have one known size, got {sorted(map(str, lengths))}.")
    (length,) = lengths
    assert isinstance(length, int)
    if reverse:
        leaves = [flip(leaf, place) for leaf, place in zip(leaves, places, strict=True)]

    def part(items: list[Tensor], start: int, end: int) -> list[Tensor]:
        return [
            emit("Slice", item, starts=(start,), ends=(end,), axes=(place,), steps=(1,))
            for item, place in zip(items, places, strict=True)
        ]

    reach = 1
    while reach < length:
        combined = f(tree.pack(elems, part(leaves, 0, length - reach)), tree.pack(elems, part(leaves, reach, length)))
        pairs = zip(part(leaves, 0, reach), tree.flatten(combined), places, strict=True)
        leaves = [emit("Concat", first, as_tensor(rest), axis=place) for first, rest, place in pairs]
        reach *= 2
    if reverse:
        leaves = [flip(leaf, place) for leaf, place in zip(leaves, places, strict=True)]
    return tree.pack(elems, leaves)


_AssociativeScan = _recorded("AssociativeScan", _associative_scan)


def vectorize(pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None) -> Callable[..., Any]:
    """A function of scalars (or, with a signature, of smaller tensors) as one of whole tensors.

    Args:
        pyfunc: The function.
        excluded: Positions of arguments that it gets as they are.
        signature: The axes that it takes, such as "(i),(i)->()"; all other axes are mapped over.

    Raises:
        ValueError: If the arguments do not fit the signature.
    """
    left_out = set(excluded or ())

    def call(*args: Any) -> Any:
        given = [i for i in range(len(args)) if i not in left_out]
        tensors = [as_tensor(args[i]) for i in given]
        cores = _core_ranks(signature, len(tensors))
        loops = [t.ndim - core for t, core in zip(tensors, cores, strict=True)]
        if any(rank < 0 for rank in loops):
            raise ValueError(f"vectorize: arguments have too few axes for the signature {signature!r}.")
        rank = max(loops, default=0)
        outer = _outer_shape(tensors, loops)
        flat = []
        for tensor, loop in zip(tensors, loops, strict=True):
            core = sizes(tensor)[loop:]
            lifted = with_shape(tensor, (*(1,) * (rank - loop), *sizes(tensor)))
            flat.append(with_shape(emit("Expand", lifted, shape=(*outer, *core)), (_count(outer), *core)))

        def one(items: Any) -> Any:
            full = list(args)
            for i, item in zip(given, items, strict=True):
                full[i] = item
            return pyfunc(*full)

        result = map(one, flat)
        return tree.map_structure(lambda leaf: with_shape(leaf, (*outer, *sizes(leaf)[1:])), result)

    return call


def _count(shape: Any) -> Any:
    from cornu.ir.dim import product

    return product(shape)


def _core_ranks(signature: str | None, count: int) -> list[int]:
    if signature is None:
        return [0] * count
    inputs = signature.replace(" ", "").split("->")[0]
    terms = inputs.strip("()").split("),(") if inputs else []
    ranks = [len([name for name in term.split(",") if name]) for term in terms]
    if len(ranks) != count:
        raise ValueError(f"vectorize: the signature {signature!r} names {len(ranks)} arguments, got {count}.")
    return ranks


def _outer_shape(tensors: list[Tensor], loops: list[int]) -> Any:
    from cornu.ir.shapes import broadcast_shapes

    return broadcast_shapes(*(sizes(t)[:loop] for t, loop in zip(tensors, loops, strict=True)), what="vectorize")
