"""Reading Resize: every axis that changes is a product with a matrix of weights, or a choice of places."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from cornu.ir.dim import Dim, DimLike, floor_div
from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.registry import reads
from cornu.ir.program import Value
from cornu.ir.types import is_float, numpy_dtype

_LARGEST = 1 << 26
"""Elements of a matrix of weights."""

_MODES = ("nearest", "linear", "cubic")


@reads("Upsample", "Resize")
def _resize(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    mode = node.get("mode", "nearest")
    if mode not in _MODES:
        raise node.error(f"its mode must be one of {', '.join(_MODES)}, got {mode!r}.")
    rank = x.type.rank
    axes = tuple(node.on(axis, rank, "axes") for axis in node.get("axes", range(rank)))
    for axis, (new, scale) in zip(axes, _targets(r, node, x, axes), strict=True):
        old = r.shape(x)[axis]
        if new == old and scale in (None, 1.0):
            continue
        if isinstance(new, int) and isinstance(old, int) and (new < 1 or old < 1 or new * old > _LARGEST):
            raise node.error(f"an axis of {old} cannot become one of {new}.")
        if isinstance(old, Dim) or isinstance(new, Dim):
            x = _repeated(r, node, x, axis, old, new, mode)
        else:
            ratio = new / old if scale is None else scale
            x = _resized(r, node, x, axis, _places(node, old, new, ratio), mode, ratio)
    return x


def _targets(r: GraphReader, node: OnnxNode, x: Value, axes: Sequence[int]) -> list[tuple[DimLike, float | None]]:
    """For each axis its new size, and the scale where one is given."""
    shape = r.shape(x)
    scales: tuple[float, ...] = ()
    if node.op == "Upsample" or r.opset < 11:
        scales = tuple(node.get("scales", ())) or r.floats(node, 1, "scales")
    elif node.has(2):
        scales = r.floats(node, 2, "scales")
    if scales:
        _check(node, "scales", scales, axes)
        if any(not 0 < scale < 1e6 for scale in scales):
            raise node.error(f"its scales must be positive numbers, got {scales}.")
        return [(_scaled(shape[axis], scale), scale) for axis, scale in zip(axes, scales, strict=True)]
    sizes = r.dims(node, 3, "sizes")
    _check(node, "sizes", sizes, axes)
    policy = node.get("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return [(size, None) for size in sizes]
    olds = [shape[axis] for axis in axes]
    if any(isinstance(dim, Dim) for dim in (*olds, *sizes)):
        raise node.error(f"its keep_aspect_ratio_policy {policy!r} needs sizes that are numbers.")
    choose = min if policy == "not_larger" else max
    scale = choose(int(size) / int(old) for size, old in zip(sizes, olds, strict=True))
    return [(math.floor(scale * int(old) + 0.5), scale) for old in olds]


def _check(node: OnnxNode, what: str, found: Sequence[object], axes: Sequence[int]) -> None:
    if len(found) != len(axes):
        raise node.error(f"its {what} must be {len(axes)} numbers, one for each axis, got {len(found)}.")


def _scaled(size: DimLike, scale: float) -> DimLike:
    if isinstance(size, int):
        return math.floor(size * scale)
    if float(scale).is_integer():
        return size * int(scale)
    inverse = 1 / scale
    if float(inverse).is_integer():
        return floor_div(size, int(inverse))
    raise ValueError(f"an open size cannot be scaled by {scale}, only by whole numbers.")


def _repeated(r: GraphReader, node: OnnxNode, x: Value, axis: int, old: DimLike, new: DimLike, mode: str) -> Value:
    """An open size: every element as often as the whole factor says."""
    factor = floor_div(new, old) if not isinstance(old, int) else None
    usual = ("half_pixel", "round_prefer_floor") if node.op == "Resize" and node.opset > 10 else ("asymmetric", "floor")
    settings = (node.get("coordinate_transformation_mode", usual[0]), node.get("nearest_mode", usual[1]))
    plain = settings in (
        ("asymmetric", "floor"),
        ("half_pixel", "round_prefer_floor"),
        ("half_pixel", "round_prefer_ceil"),
    )
    if mode != "nearest" or not plain or not isinstance(factor, int) or factor * old != new:
        raise node.error("an open size can only be multiplied by a whole number, with the nearest elements.")
    shape = r.shape(x)
    apart = r.b.Reshape(x, shape=(*shape[: axis + 1], 1, *shape[axis + 1 :]))
    wide = r.b.Expand(apart, shape=(*shape[: axis + 1], factor, *shape[axis + 1 :]))
    return r.b.Reshape(wide, shape=(*shape[:axis], new, *shape[axis + 1 :]))  # type: ignore[no-any-return]


def _places(node: OnnxNode, old: int, new: int, scale: float) -> np.ndarray:
    """Where each new element lies among the old ones."""
    usual = "asymmetric" if node.op == "Upsample" or node.opset < 11 else "half_pixel"
    mode = node.get("coordinate_transformation_mode", usual)
    at = np.arange(new, dtype=np.float64)
    if mode == "asymmetric":
        return at / scale
    if mode == "align_corners":
        return np.zeros(new) if new == 1 else at * (old - 1) / (new - 1)
    if mode == "half_pixel" or (mode == "pytorch_half_pixel" and new > 1):
        return (at + 0.5) / scale - 0.5
    if mode == "pytorch_half_pixel":
        return np.full(new, -0.5)
    if mode == "half_pixel_symmetric":
        adjustment = new / (scale * old)
        center = old / 2
        return center * (1 - adjustment) + (at + 0.5) / scale - 0.5
    raise node.error(f"its coordinate_transformation_mode {mode!r} is not supported.")


def _resized(r: GraphReader, node: OnnxNode, x: Value, axis: int, places: np.ndarray, mode: str, scale: float) -> Value:
    old = int(r.shape(x)[axis])
    if mode == "nearest":
        rounded = _nearest(node, places)
        indices = np.clip(rounded, 0, old - 1).astype(np.int64)
        return r.b.Gather(x, r.b.constant(indices), axis=axis)  # type: ignore[no-any-return]
    if not is_float(x.dtype):
        raise node.error(f"{mode} needs floats, got {x.dtype}.")
    matrix = _matrix(node, places, old, mode, scale)
    last = x.type.rank - 1
    swap = tuple({axis: last, last: axis}.get(i, i) for i in range(last + 1))
    turned = x if axis == last else r.b.Transpose(x, perm=swap)
    shape = r.shape(turned)
    weights = r.b.constant(matrix.T.astype(numpy_dtype(x.dtype)))
    if len(shape) == 1:
        turned = r.b.Reshape(turned, shape=(1, *shape))
    product = r.b.MatMul(turned, weights)
    if len(shape) == 1:
        product = r.b.Reshape(product, shape=(len(places),))
    return product if axis == last else r.b.Transpose(product, perm=swap)  # type: ignore[no-any-return]


def _nearest(node: OnnxNode, places: np.ndarray) -> np.ndarray:
    usual = "floor" if node.op == "Upsample" or node.opset < 11 else "round_prefer_floor"
    mode = node.get("nearest_mode", usual)
    rounders: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "round_prefer_floor": lambda at: np.ceil(at - 0.5),
        "round_prefer_ceil": lambda at: np.floor(at + 0.5),
        "floor": np.floor,
        "ceil": np.ceil,
    }
    if mode not in rounders:
        raise node.error(f"its nearest_mode must be one of {', '.join(rounders)}, got {mode!r}.")
    return np.asarray(rounders[mode](places))


def _matrix(node: OnnxNode, places: np.ndarray, old: int, mode: str, scale: float) -> np.ndarray:
    """The weight of each old element in each new one; elements outside are those at the edge."""
    shrink = min(scale, 1.0) if node.get("antialias", 0) else 1.0
    reach = math.ceil((1 if mode == "linear" else 2) / shrink)
    offsets = np.arange(-reach, reach + 1)
    neighbours = np.floor(places)[:, None] + offsets
    distances = (neighbours - places[:, None]) * shrink
    weights = _triangle(distances) if mode == "linear" else _cubic(distances, node.get("cubic_coeff_a", -0.75))
    inside = (neighbours >= 0) & (neighbours < old)
    if node.get("exclude_outside", 0):
        weights = np.where(inside, weights, 0)
    weights = weights / weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((len(places), old))
    rows = np.broadcast_to(np.arange(len(places))[:, None], neighbours.shape)
    np.add.at(matrix, (rows, np.clip(neighbours, 0, old - 1).astype(int)), weights)
    return matrix


def _triangle(distances: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(1 - np.abs(distances), 0))


def _cubic(distances: np.ndarray, a: float) -> np.ndarray:
    d = np.abs(distances)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.asarray(np.where(d <= 1, near, np.where(d < 2, far, 0)))
