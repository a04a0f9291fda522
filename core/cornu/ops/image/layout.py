"""What functions of images share: one image or a batch of them, channels last or first."""

from __future__ import annotations

from typing import Any

from cornu.ir.types import is_float
from cornu.ops.arguments import as_tensor, sizes, with_shape
from cornu.ops.convolution import data_format_of
from cornu.ops.core import saturate_cast
from cornu.ops.elementwise import round as round_
from cornu.tracing.tensor import Tensor


def image_format(images: Tensor, data_format: str | None, what: str) -> str:
    """The data format of one image or a batch of them.

    Raises:
        ValueError: If the rank is neither 3 nor 4.
    """
    if images.ndim not in (3, 4):
        raise ValueError(
            f"{what}: expected images of rank 3 (single image) or rank 4 (batch of images), got shape {images.shape}."
        )
    return data_format_of(data_format, what)


def spatial_axes(rank: int, data_format: str) -> tuple[int, int]:
    """The axes of height and width."""
    return (rank - 3, rank - 2) if data_format == "channels_last" else (rank - 2, rank - 1)


def channel_axis(rank: int, data_format: str) -> int:
    """The axis of channels."""
    return rank - 1 if data_format == "channels_last" else rank - 3


def computed(x: Any) -> Tensor:
    """Numbers wide enough to compute with: float32, and float64 as it is."""
    x = as_tensor(x)
    return x if x.dtype == "float64" else as_tensor(x, "float32")


def returned(x: Tensor, dtype: str) -> Any:
    """The numbers in a dtype: rounded to the nearest integer and bounded if it is one of integers."""
    if dtype == "bool" or is_float(dtype):
        return as_tensor(x, dtype)
    return saturate_cast(round_(x), dtype)


def as_batch(images: Tensor) -> Tensor:
    """A batch of images: a single one becomes a batch of one."""
    return images if images.ndim == 4 else with_shape(images, (1, *sizes(images)))


def unbatched(images: Tensor, rank: int) -> Tensor:
    """What `as_batch` made of images of a rank, as it was."""
    return images if rank == 4 else with_shape(images, sizes(images)[1:])
