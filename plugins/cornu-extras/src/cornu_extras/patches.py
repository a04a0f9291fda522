"""From images to sequences."""

from __future__ import annotations

from typing import Any

from cornu import initializers, ops
from cornu.layers import Layer

from cornu_extras.checks import last_size, positive_integer


class PatchEmbedding(Layer):
    """Cuts images into square patches, row by row, and projects each: `W · patch + b`.

    Args:
        units: The size of a patch's vector.
        patch_size: The patches' height and width.
        kernel_initializer: What makes the first kernel.
        bias_initializer: What makes the first bias.

    Shape:
        `(batch, height, width, channels)` → `(batch, height / patch_size · width / patch_size, units)`.

    Raises:
        ValueError: An argument is no positive integer, or the patches do not fill the image.

    Source:
        Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021.

    Example:
        >>> PatchEmbedding(32, patch_size=4)(cornu.ops.ones((2, 8, 12, 3))).shape
        (2, 6, 32)
    """

    def __init__(
        self,
        units: int,
        patch_size: int = 16,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = positive_integer("PatchEmbedding", "units", units)
        self.patch_size = positive_integer("PatchEmbedding", "patch_size", patch_size)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def build(self, input_shape: Any) -> None:
        """Creates `kernel` (patch_size · patch_size · channels, units) and `bias` (units,)."""
        if len(input_shape) != 4 or None in input_shape[1:3]:
            raise ValueError(
                f"PatchEmbedding {self.name!r} needs images (batch, height, width, channels) of known size, got shape "
                f"{input_shape}."
            )
        if any(size % self.patch_size for size in input_shape[1:3]):
            raise ValueError(
                f"PatchEmbedding {self.name!r}: patches of {self.patch_size} × {self.patch_size} do not fill an image "
                f"of {input_shape[1]} × {input_shape[2]}."
            )
        size = self.patch_size**2 * last_size("PatchEmbedding", self.name, input_shape)
        self.kernel = self.add_weight((size, self.units), self.kernel_initializer, name="kernel")
        self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias")

    def call(self, inputs: Any) -> Any:
        """Cuts and projects."""
        batch, (height, width, channels) = ops.shape(inputs)[0], inputs.shape[1:]
        side = self.patch_size
        rows, columns = height // side, width // side
        grid = ops.reshape(inputs, (batch, rows, side, columns, side, channels))
        patches = ops.transpose(grid, (0, 1, 3, 2, 4, 5))
        flat = ops.reshape(patches, (batch, rows * columns, side * side * channels))
        return ops.add(ops.matmul(flat, self.kernel), self.bias)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "units": self.units,
            "patch_size": self.patch_size,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
