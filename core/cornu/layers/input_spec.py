"""What a layer expects of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import tree


class InputSpec:
    """Rank, dtype and sizes that an input must have; None leaves one free.

    Args:
        dtype: The element type.
        shape: The whole shape, None for free sizes.
        ndim: The rank.
        max_ndim: The largest rank.
        min_ndim: The smallest rank.
        axes: Sizes of some axes.
        allow_last_axis_squeeze: Whether a last axis of size 1 may be missing or extra.
        name: The key of the input in a dict of inputs.
        optional: Whether None is accepted.
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional
        limit = self.ndim if self.ndim is not None else max_ndim
        if limit is not None and any(axis >= limit for axis in self.axes):
            raise ValueError(f"InputSpec: axes {sorted(self.axes)} do not fit a rank of {limit}.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this spec again."""
        return {
            "dtype": self.dtype,
            "shape": self.shape,
            "ndim": self.ndim,
            "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim,
            "axes": self.axes,
        }

    def __repr__(self) -> str:
        set_ones = {name: value for name, value in self.get_config().items() if value}
        return f"InputSpec({', '.join(f'{name}={value}' for name, value in set_ones.items())})"


def check_inputs(spec: Any, inputs: Any, layer: str) -> None:
    """Checks a layer's inputs against its specs.

    Raises:
        ValueError: With the layer's name, what it expects and what it got.
    """
    specs = tree.flatten(spec)
    leaves = _in_spec_order(specs, inputs)
    if len(leaves) != len(specs):
        raise ValueError(f'Layer "{layer}" expects {len(specs)} input(s), but it received {len(leaves)} input tensors.')
    for i, (expected, tensor) in enumerate(zip(specs, leaves, strict=True)):
        if expected is None or (tensor is None and expected.optional):
            continue
        if tensor is None or not hasattr(tensor, "shape"):
            raise ValueError(f'Layer "{layer}": input {i} must be a tensor, got {tensor!r}.')
        problem = _problem(expected, tensor)
        if problem:
            name = f' "{expected.name}"' if expected.name else ""
            raise ValueError(
                f'Input {i}{name} of layer "{layer}" is incompatible with the layer: expected {problem}. '
                f"Full shape received: {tuple(tensor.shape)}"
            )


def _in_spec_order(specs: list[Any], inputs: Any) -> list[Any]:
    if isinstance(inputs, dict) and all(spec is not None and spec.name in inputs for spec in specs):
        return [inputs[spec.name] for spec in specs]
    return tree.flatten(inputs)


def _problem(spec: InputSpec, tensor: Any) -> str:
    shape, rank = tuple(tensor.shape), len(tensor.shape)
    if spec.ndim is not None and rank != spec.ndim and not _squeezable(spec, shape):
        return f"ndim={spec.ndim}, found ndim={rank}"
    if spec.max_ndim is not None and rank > spec.max_ndim:
        return f"max_ndim={spec.max_ndim}, found ndim={rank}"
    if spec.min_ndim is not None and rank < spec.min_ndim:
        return f"min_ndim={spec.min_ndim}, found ndim={rank}"
    if spec.dtype is not None and tensor.dtype != spec.dtype:
        return f"dtype={spec.dtype}, found dtype={tensor.dtype}"
    for axis, size in spec.axes.items():
        if size is not None and shape[axis] not in (size, None):
            return f"axis {axis} of input shape to have value {size}, but received input with shape {shape}"
    if spec.shape is not None and rank == len(spec.shape):
        for want, have in zip(spec.shape, shape, strict=True):
            if want is not None and have is not None and want != have:
                return f"shape={spec.shape}, found shape={shape}"
    return ""


def _squeezable(spec: InputSpec, shape: tuple[Any, ...]) -> bool:
    if not spec.allow_last_axis_squeeze or spec.shape is None:
        return False
    longer = len(shape) == len(spec.shape) + 1 and shape[-1] == 1
    shorter = len(shape) == len(spec.shape) - 1 and spec.shape[-1] == 1
    return longer or shorter
