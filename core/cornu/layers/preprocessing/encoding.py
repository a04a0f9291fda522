"""Numbers of categories as vectors."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.layer import Layer


def encoded(numbers: Any, depth: int, mode: str, dtype: str, weights: Any = None) -> Any:
    """Vectors of categories' numbers.

    Args:
        numbers: Integers; those outside of 0 to `depth - 1` count for nothing.
        depth: How many categories there are.
        mode: "one_hot": a vector for each number (a last axis of 1 is left out); "multi_hot": for each row a vector
            with 1 for every category in it; "count": for each row how often every category is in it.
        dtype: The vectors' dtype.
        weights: What a number counts for in "count", instead of 1.
    """
    rank = len(numbers.shape)
    if mode == "one_hot" and rank and numbers.shape[-1] == 1:
        return ops.one_hot(ops.squeeze(numbers, -1), depth, dtype=dtype)
    if rank == 0:
        numbers = ops.reshape(numbers, (1,))
    vectors = ops.one_hot(numbers, depth, dtype=dtype)
    if mode == "one_hot":
        return vectors
    if mode == "multi_hot":
        return ops.max(vectors, axis=-2)
    if weights is not None:
        vectors = vectors * ops.expand_dims(ops.cast(weights, dtype), -1)
    return ops.sum(vectors, axis=-2)


class CategoryEncoding(Layer):
    """Numbers of categories as vectors; see `output_mode`.

    Args:
        num_tokens: How many categories there are; numbers outside of them count for nothing.
        output_mode: "multi_hot": for each row a vector with 1 for every category in it; "one_hot": a vector for each
            number; "count": for each row how often every category is in it.
        sparse: Must be False: there are no sparse tensors here.

    Raises:
        ValueError: If a setting does not fit.

    Shape:
        [batch, numbers] to [batch, num_tokens], or with "one_hot" [batch, numbers, num_tokens].

    Example:
        >>> import cornu
        >>> cornu.layers.CategoryEncoding(3, output_mode="count")([[0, 2, 2]]).numpy().tolist()
        [[1.0, 0.0, 2.0]]
    """

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        allowed = ("multi_hot", "one_hot", "count")
        if output_mode not in allowed:
            raise ValueError(f"CategoryEncoding: `output_mode` must be one of {allowed}, got {output_mode!r}.")
        if num_tokens is None or num_tokens < 1:
            raise ValueError(f"CategoryEncoding: `num_tokens` must be set and >= 1, got num_tokens={num_tokens}.")
        if sparse:
            raise ValueError("CategoryEncoding: `sparse=True` is not supported; there are no sparse tensors.")
        self.num_tokens = num_tokens
        self.output_mode = output_mode

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                "CategoryEncoding: `count_weights` is used only when `output_mode` is 'count', "
                f"got output_mode={self.output_mode!r}."
            )
        numbers = ops.cast(ops.convert_to_tensor(inputs), "int32")
        return encoded(numbers, self.num_tokens, self.output_mode, self.compute_dtype, count_weights)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode}
