"""Normalization of groups of channels."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.input_spec import InputSpec
from cornu.layers.normalization.axes import sizes_of_axes
from cornu.layers.normalization.scaled import ScaledNormalization
from cornu.layers.settings import given


class GroupNormalization(ScaledNormalization):
    """Normalizes each sample and group of channels: `gamma * (x - mean) / sqrt(variance + epsilon) + beta`.

    The channels are cut into groups of neighbours; mean and variance are those of one group over all other axes but
    the batch. One group is layer normalization over everything, as many groups as channels instance normalization.
    Floats of 16 bits are computed in float32.

    Args:
        groups: The number of groups; -1 for one per channel.
        axis: The axis of the channels.
        epsilon: Added to the variance.
        center: Whether `beta` is added.
        scale: Whether `gamma` multiplies.
        beta_initializer, gamma_initializer: What makes the first values.
        beta_regularizer, gamma_regularizer: Functions added to the loss.
        beta_constraint, gamma_constraint: Functions applied after each update.

    Raises:
        ValueError: If the number of groups is not positive or -1, or does not divide the number of channels, or that
            is free.

    Shape:
        The input's, of rank 2 at least; `gamma` and `beta` have one number for each channel.

    Source:
        Wu and He, "Group Normalization", 2018, arXiv:1803.08494.

    Example:
        >>> import cornu
        >>> x = cornu.ops.array([[1.0, 3.0, 10.0, 30.0]])
        >>> cornu.layers.GroupNormalization(groups=2)(x).numpy().round(2).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**given(locals(), "groups"))
        if not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise ValueError(
                f"GroupNormalization layer '{self.name}': `groups` must be a positive integer, or -1 for one group per "
                f"channel, got {groups!r}."
            )
        if not isinstance(axis, int):
            raise TypeError(f"GroupNormalization layer '{self.name}': `axis` must be an integer, got {axis!r}.")
        self.groups = groups

    def build(self, input_shape: Any) -> None:
        """Creates `gamma` and `beta`, one number for each channel."""
        (channels,) = sizes_of_axes(self, self.axis, input_shape)
        if self.axis % len(input_shape) == 0:
            raise ValueError(
                f"GroupNormalization layer '{self.name}': axis {self.axis} of the input shape {tuple(input_shape)} is "
                "the batch, not the channels."
            )
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"GroupNormalization layer '{self.name}': the number of groups ({self.groups}) must divide the number "
                f"of channels ({channels})."
            )
        self._add_scaling((channels,), self.center, self.scale)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: Any) -> Any:
        rank = len(inputs.shape)
        axis = self.axis % rank
        x = ops.cast(inputs, "float32") if inputs.dtype in ("float16", "bfloat16") else inputs
        sizes = list(ops.shape(x))
        channels = sizes[axis]
        # The groups' axis comes in front of the channels of one; all axes after the batch but it are normalized.
        parts = ops.reshape(x, [*sizes[:axis], self.groups, channels // self.groups, *sizes[axis + 1 :]])
        normal = ops.layer_normalization(parts, axis=[i for i in range(1, rank + 1) if i != axis], epsilon=self.epsilon)
        outputs = ops.reshape(normal, sizes)
        shape = [channels if i == axis else 1 for i in range(rank)]
        if self.gamma is not None:
            outputs = outputs * ops.reshape(ops.cast(self.gamma, outputs.dtype), shape)
        if self.beta is not None:
            outputs = outputs + ops.reshape(ops.cast(self.beta, outputs.dtype), shape)
        return ops.cast(outputs, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}
