"""What layers share that draw random numbers in training and pass their input on otherwise."""

from __future__ import annotations

from typing import Any

from cornu import ops, random
from cornu.layers.layer import Layer


class Noise(Layer):
    """A layer that changes its input at random in training; masks pass through.

    Args:
        amount: How much; at 0 the input is passed on, and no numbers are drawn.
        seed: An integer for repeatable draws; drawn from the global seed if missing.
    """

    def __init__(self, amount: float, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self._acts = amount > 0
        if self._acts:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def disturb(self, inputs: Any) -> Any:
        """What training makes of the inputs."""
        raise TypeError(f"{type(self).__name__} must define `disturb`.")

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.disturb(inputs) if training and self._acts else inputs

    def _refuse_all(self, rate: float) -> None:
        """Refuses to drop everything, where nothing can make up for it."""
        if rate == 1:
            raise ValueError(f"{type(self).__name__} layer '{self.name}': rate=1 leaves nothing to train on.")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


def check_noise_shape(layer: str, noise_shape: Any) -> tuple[int | None, ...] | None:
    """The shape of a mask, as a tuple; None stays None.

    Raises:
        ValueError: If it is no list or tuple of positive integers and None.
    """
    if noise_shape is None:
        return None
    sizes = tuple(noise_shape) if isinstance(noise_shape, (list, tuple)) else (noise_shape, 0)
    for size in sizes:
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 1):
            raise ValueError(
                f"{layer}: `noise_shape` must be a list or tuple of positive integers and None, got {noise_shape!r}."
            )
    return sizes


def mask_shape(layer: Layer, noise_shape: tuple[int | None, ...] | None, inputs: Any) -> list[Any]:
    """The sizes of a mask for these inputs; it broadcasts to them, as missing sizes in front are 1.

    Raises:
        ValueError: If it does not.
    """
    own = list(ops.shape(inputs))
    if noise_shape is None:
        return own
    wanted: list[Any] = [1] * (len(own) - len(noise_shape)) + list(noise_shape)
    sizes = [have if want is None else want for want, have in zip(wanted, own, strict=False)]
    fits = [size == 1 or size == have or not isinstance(have, int) for size, have in zip(sizes, own, strict=True)]
    if len(wanted) > len(own) or not all(fits):
        raise ValueError(
            f"{type(layer).__name__} layer '{layer.name}': `noise_shape={noise_shape}` does not broadcast to the input "
            f"shape {tuple(inputs.shape)}."
        )
    return sizes
