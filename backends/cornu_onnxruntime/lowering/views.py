"""Transpositions meet through reshapes that only merge or split axes, so that two of them become one."""

from __future__ import annotations

from cornu.ir.passes.rewriting import Rewriter, Rule
from cornu.ir.program import Node, Value
from cornu.ir.types import Shape


def transpose_of_merge(r: Rewriter, node: Node) -> Value | None:
    """Transpose(Reshape(Transpose(x))), where the Reshape only merges axes, is one Transpose before the Reshape."""
    view = r.producer(node.inputs[0], "Reshape")
    if view is None or r.producer(view.inputs[0], "Transpose") is None:
        return None
    source = view.inputs[0]
    perm = node.attributes["perm"]
    groups = _groups(source.shape, view.outputs[0].shape)
    if groups is not None:
        wide = tuple(axis for place in perm for axis in groups[place])
        merged = r.emit("Transpose", source, perm=wide)
        if _swaps_last_two(perm) and r.producer(merged, "Transpose"):
            return None  # a product takes such a transposition for nothing
        return r.reshape(merged, node.outputs[0].shape)
    return None


def _swaps_last_two(perm: tuple[int, ...]) -> bool:
    rank = len(perm)
    return rank <= 3 and perm == (*range(rank - 2), rank - 1, rank - 2)


def split_of_transpose(r: Rewriter, node: Node) -> Value | None:
    """Reshape(Transpose(x)) that splits axes, and is transposed again: Transpose(Reshape(x))."""
    inner = r.producer(node.inputs[0], "Reshape")
    if inner is None:
        return None
    first = r.producer(inner.inputs[0], "Transpose")
    if first is None:
        return None
    groups = _groups(inner.outputs[0].shape, inner.inputs[0].shape)
    if groups is None:
        return None
    split = inner.outputs[0].shape
    perm = first.attributes["perm"]
    # Axis `i` of the source is axis `place[i]` of the transposed tensor, and splits as that does.
    place = {axis: i for i, axis in enumerate(perm)}
    order = [place[axis] for axis in range(len(perm))]
    shape: Shape = tuple(split[axis] for i in order for axis in groups[i])
    at: dict[int, int] = {}
    for i in order:
        for axis in groups[i]:
            at[axis] = len(at)
    source = r.reshape(first.inputs[0], shape)
    return r.emit("Transpose", source, perm=tuple(at[axis] for axis in node.attributes["perm"]))


def _groups(fine: Shape, coarse: Shape) -> list[list[int]] | None:
    """The axes of `fine` that each axis of `coarse` is the product of; None where it is no merging."""
    if not all(isinstance(dim, int) and dim > 0 for dim in (*fine, *coarse)):
        return None
    parts = [int(dim) for dim in fine]
    groups: list[list[int]] = []
    at = 0
    for size in coarse:
        group: list[int] = []
        covered = 1
        while at < len(parts) and (covered < size or (parts[at] == 1 and covered == size)):
            covered *= parts[at]
            group.append(at)
            at += 1
        if covered != size:
            return None
        groups.append(group)
    return groups if at == len(parts) else None


RULES: dict[str, list[Rule]] = {"Transpose": [transpose_of_merge, split_of_transpose]}
