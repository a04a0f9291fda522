"""Einstein's summation: every pair of operands becomes one product of stacks of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.ir.dim import DimLike, product
from cornu.ops.arguments import as_operand, as_tensor, emit, permute, sizes, with_shape
from cornu.ops.dtypes import result_type
from cornu.ops.indexing import diagonal
from cornu.ops.operation import op
from cornu.ops.products import multiply_matrices
from cornu.tracing.tensor import Tensor

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Sums of products over named axes: `einsum("ij,jk->ik", x, y)` is the matrix product.

    Args:
        subscripts: The axes of each operand and, after `->`, those of the result; `...` stands for further axes.
        operands: The tensors.

    Raises:
        ValueError: If the subscripts do not fit the operands.
        TypeError: If there are other keywords than `optimize`, which is of no effect.
    """
    if set(kwargs) - {"optimize"}:
        raise TypeError(f"einsum got unexpected arguments: {', '.join(kwargs)}.")
    return _einsum(list(operands), subscripts)


@op("Einsum")
def _einsum(operands: Any, subscripts: str) -> Any:
    items = [as_tensor(as_operand(x)) for x in operands]
    dtype = "int32" if all(x.dtype == "int8" for x in items) else result_type(*items)
    tensors = [as_tensor(x, dtype) for x in items]
    terms, result = _parse(subscripts, tensors)
    pairs = [_without_repeats(x, term) for x, term in zip(tensors, terms, strict=True)]
    while len(pairs) > 1:
        (x, left), (y, right), *others = pairs
        needed = set(result).union(*(term for _, term in others))
        pairs = [_product(x, left, y, right, needed), *others]
    return _finish(*pairs[0], result)


def _parse(subscripts: str, tensors: Sequence[Tensor]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with `...` written out."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        raise ValueError(f"einsum: {subscripts!r} names {len(terms)} operands, got {len(tensors)}.")
    free = [letter for letter in _LETTERS if letter not in text]
    extra = 0
    for term, x in zip(terms, tensors, strict=True):
        named = len(term.replace("...", ""))
        if (x.ndim < named) if "..." in term else (x.ndim != named):
            raise ValueError(f"einsum: {term!r} of {subscripts!r} does not fit shape {x.shape}.")
        extra = max(extra, x.ndim - named if "..." in term else 0)
    dots = "".join(free[:extra])
    written = []
    for term, x in zip(terms, tensors, strict=True):
        count = x.ndim - len(term.replace("...", ""))
        written.append(term.replace("...", dots[len(dots) - count :]))
    if arrow:
        return written, right.replace("...", dots)
    once = sorted(letter for letter in set(left) - set(",.") if left.count(letter) == 1)
    return written, dots + "".join(once)


def _without_repeats(x: Tensor, term: str) -> tuple[Tensor, str]:
    """The diagonal where a letter names two axes."""
    for letter in term:
        while term.count(letter) > 1:
            first, second = [i for i, other in enumerate(term) if other == letter][:2]
            x = diagonal(x, 0, first, second)
            term = "".join(other for i, other in enumerate(term) if i not in (first, second)) + letter
    return x, term


def _sum_out(x: Tensor, term: str, letters: set[str]) -> tuple[Tensor, str]:
    axes = tuple(i for i, letter in enumerate(term) if letter in letters)
    if not axes:
        return x, term
    summed = emit("ReduceSum", as_tensor(x, "int32") if x.dtype == "bool" else x, axes=axes, keepdims=False)
    return as_tensor(summed, x.dtype), "".join(letter for letter in term if letter not in letters)


def _product(x: Tensor, left: str, y: Tensor, right: str, needed: set[str]) -> tuple[Tensor, str]:
    x, left = _sum_out(x, left, set(left) - set(right) - needed)
    y, right = _sum_out(y, right, set(right) - set(left) - needed)
    shared = [letter for letter in left if letter in right]
    inner = [letter for letter in shared if letter not in needed]
    batch = [letter for letter in shared if letter in needed]
    rows = [letter for letter in left if letter not in right]
    columns = [letter for letter in right if letter not in left]
    result = "".join((*batch, *rows, *columns))
    if not inner:
        return _outer(x, left, y, right, result), result
    size = dict(zip(right, sizes(y), strict=True))
    for letter, dim in zip(left, sizes(x), strict=True):
        size[letter] = size.get(letter, dim) if dim == 1 else dim
    x = _aligned(x, left, (*batch, *rows, *inner), {i: size[i] for i in inner})
    y = _aligned(y, right, (*batch, *inner, *columns), {i: size[i] for i in inner})
    stacked, n = sizes(x)[: len(batch)], len(batch)
    height, width = product([size[i] for i in rows]), product([size[i] for i in columns])
    depth = product([size[i] for i in inner])
    # Without a batch, leading axes of the first operand may stay as they are.
    keep = not batch and len(rows) > 1
    first = with_shape(x, (*sizes(x)[: len(rows)], depth) if keep else (*stacked, height, depth))
    product_ = multiply_matrices(first, with_shape(y, (*sizes(y)[:n], depth, width)))
    return with_shape(product_, (*sizes(product_)[:n], *(size[i] for i in rows), *(size[i] for i in columns))), result


def _aligned(x: Tensor, term: str, order: Sequence[str], wanted: dict[str, DimLike]) -> Tensor:
    """Axes in an order, those to be summed over stretched to their full size."""
    x = permute(x, tuple(term.index(letter) for letter in order))
    shape = tuple(wanted.get(letter, size) for letter, size in zip(order, sizes(x), strict=True))
    return x if shape == sizes(x) else emit("Expand", x, shape=shape)


def _outer(x: Tensor, left: str, y: Tensor, right: str, result: str) -> Tensor:
    def placed(tensor: Tensor, term: str) -> Tensor:
        kept = [letter for letter in result if letter in term]
        ordered = permute(tensor, tuple(term.index(letter) for letter in kept))
        size = dict(zip(kept, sizes(ordered), strict=True))
        return with_shape(ordered, tuple(size.get(letter, 1) for letter in result))

    primitive = "And" if x.dtype == "bool" else "Mul"
    return emit(primitive, placed(x, left), placed(y, right))  # type: ignore[no-any-return]


def _finish(x: Tensor, term: str, result: str) -> Tensor:
    x, term = _sum_out(x, term, set(term) - set(result))
    if sorted(term) != sorted(result):
        raise ValueError(f"einsum: the result's axes {result!r} are not those of the operands, {term!r}.")
    return permute(x, tuple(term.index(letter) for letter in result))
