"""Rows of a table by their numbers."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.layer import Layer
from cornu.layers.settings import described, of_weights, refuse, resolve, weight


class Embedding(Layer):
    """Rows of a table: `outputs[..., :] = embeddings[inputs[...], :]`.

    Args:
        input_dim: The number of rows.
        output_dim: The length of a row.
        embeddings_initializer: What makes the first values.
        embeddings_regularizer: A function added to the loss.
        embeddings_constraint: A function applied after each update.
        mask_zero: Whether index 0 is padding that later layers mask.
        weights: The table's first value, instead of an initializer.

    Shape:
        Integers `(batch, ...)` → `(batch, ..., output_dim)`.

    Example:
        >>> import cornu, numpy as np
        >>> cornu.layers.Embedding(10, 4)(np.array([[1, 2, 3]])).shape
        (1, 3, 4)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("input_length", None)
        super().__init__(**kwargs)
        refuse("Embedding", lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        for label, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not isinstance(value, int) or value <= 0:
                raise ValueError(f"Embedding: `{label}` must be a positive integer, got {value!r}.")
        self.input_dim = input_dim
        self.output_dim = output_dim
        resolve(
            self,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
        )
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False
        if weights is not None:
            self.build((None,))
            self.set_weights([weights] if not isinstance(weights, (list, tuple)) else weights)

    def build(self, input_shape: Any = None) -> None:
        """Creates `embeddings` (input_dim, output_dim)."""
        if self.built:
            return
        self.embeddings = weight(self, "embeddings", (self.input_dim, self.output_dim))

    def call(self, inputs: Any) -> Any:
        if not str(inputs.dtype).startswith(("int", "uint")):
            inputs = ops.cast(inputs, "int32")
        outputs = ops.take(self.embeddings, inputs, axis=0)
        return ops.cast(outputs, self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        names = ("input_dim", "output_dim", *of_weights("embeddings"), "activity_regularizer", "mask_zero")
        return {**super().get_config(), **described(self, *names), "quantization_config": None}
