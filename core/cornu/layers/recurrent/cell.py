"""What the built-in cells share: their weights' settings, and the masks of their dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import ops, random
from cornu.ir.types import is_float
from cornu.layers.layer import Layer
from cornu.layers.settings import check_rate, described, of_weights, resolve, weight
from cornu.tracing.trace import Trace, current_trace
from cornu.tracing.variable import AutocastScope


class DropoutMasks:
    """Masks that stay the same through all steps of a call.

    The first use draws a mask; it is kept until it is reset or the program that it belongs to is finished.
    """

    dropout: float
    recurrent_dropout: float
    seed_generator: random.SeedGenerator
    _masks: dict[str, tuple[Trace | None, Any]]

    @property
    def _mask_count(self) -> int:
        """How many parts of a step have masks of their own; 1 for one mask."""
        return 1

    def get_dropout_mask(self, step_input: Any) -> Any:
        """The mask of the inputs: one, or a list with one for each gate; None without dropout."""
        return self._mask("inputs", step_input, self.dropout)

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """The mask of the state: one, or a list with one for each gate; None without dropout."""
        return self._mask("state", step_input, self.recurrent_dropout)

    def reset_dropout_mask(self) -> None:
        """Makes the next call draw a new mask of the inputs."""
        self._masks.pop("inputs", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Makes the next call draw a new mask of the state."""
        self._masks.pop("state", None)

    def draw_masks(self, step_input: Any, states: Any) -> None:
        """Draws the masks for the steps of one call, outside the loop that they are the same in."""
        self.get_dropout_mask(step_input)
        self.get_recurrent_dropout_mask(states[0])

    def reset_masks(self) -> None:
        """Makes the next call draw new masks."""
        self.reset_dropout_mask()
        self.reset_recurrent_dropout_mask()

    def _mask(self, what: str, like: Any, rate: float) -> Any:
        if rate == 0:
            return None
        trace, mask = self._masks.get(what, (None, None))
        if mask is None or not _reaches(trace):
            count = self._mask_count
            shape = ops.shape(like) if count == 1 else (count, *ops.shape(like))
            mask = random.dropout(ops.ones(shape, like.dtype), rate, seed=self.seed_generator)
            mask = mask if count == 1 else ops.unstack(mask)
            self._masks[what] = (current_trace(), mask)
        return mask


def _reaches(trace: Trace | None) -> bool:
    """Whether tensors of a trace can be used now."""
    here = current_trace()
    while here is not None and here is not trace:
        here = here.parent
    return here is trace


class RecurrentCell(DropoutMasks, Layer):
    """A cell with the weights `kernel`, `recurrent_kernel` and `bias`.

    Args:
        activation: Of the output.
        use_bias: Whether a bias is added.
        dropout: The fraction of the inputs that training sets to 0.
        recurrent_dropout: The fraction of the state that training sets to 0.
        seed: A seed for the dropout.
        implementation: 1 for a dropout mask of its own for each gate, 2 for one for all; masks of the state always
            make it 1. A cell without gates takes none.

    Raises:
        ValueError: If a rate is no number from 0 to 1.
    """

    gates = 1
    settings: tuple[str, ...] = ()
    state_size: Any
    activation: Any
    recurrent_activation: Any
    bias_initializer: Any

    def __init__(
        self,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: Any,
        **kwargs: Any,
    ) -> None:
        implementation = kwargs.pop("implementation", 2) if self.gates > 1 else 2
        super().__init__(**kwargs)
        check_rate("dropout", dropout)
        check_rate("recurrent_dropout", recurrent_dropout)
        self.use_bias = use_bias
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.implementation = 1 if recurrent_dropout else implementation
        self._masks = {}
        resolve(
            self,
            activation=activation,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
        )

    @property
    def _mask_count(self) -> int:
        return self.gates if self.implementation == 1 else 1

    def _add_weights(
        self, kernel: tuple[int, ...], recurrent: tuple[int, ...], bias: tuple[int, ...], bias_initializer: Any = None
    ) -> None:
        start = bias_initializer or self.bias_initializer
        self.kernel = weight(self, "kernel", kernel)
        self.recurrent_kernel = weight(self, "recurrent_kernel", recurrent, kind="recurrent")
        self.bias = weight(self, "bias", bias, initializer=start) if self.use_bias else None

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """The states before the first step: zeros."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [ops.zeros((batch_size, size), self.compute_dtype) for size in sizes]

    # -- one step ------------------------------------------------------------------------------------------------

    def _inputs_for_gates(self, x: Any, training: bool | None) -> list[Any]:
        """The inputs as the gates see them: one for all, or as many as there are gates."""
        return _dropped(x, self.get_dropout_mask(x) if training else None)

    def _state_for_gates(self, h: Any, training: bool | None) -> list[Any]:
        """The state as the gates see it: one for all, or as many as there are gates."""
        return _dropped(h, self.get_recurrent_dropout_mask(h) if training else None)

    def _project(self, values: list[Any], kernel: Any, bias: Any = None) -> list[Any]:
        """`value kernel + bias` for each gate."""
        if len(values) == 1:
            return list(ops.split(_plus(ops.matmul(values[0], kernel), bias), self.gates, axis=-1))
        kernels = ops.split(kernel, self.gates, axis=-1)
        biases = [None] * self.gates if bias is None else ops.split(bias, self.gates)
        return [_plus(ops.matmul(*pair), shift) for *pair, shift in zip(values, kernels, biases, strict=True)]

    def _sums(self, inputs: Any, h: Any, training: bool | None) -> list[Any]:
        """`inputs kernel + h recurrent_kernel + bias` for each gate."""
        xs, hs = self._inputs_for_gates(inputs, training), self._state_for_gates(h, training)
        if len(xs) == len(hs) == 1:
            both = ops.matmul(xs[0], self.kernel) + ops.matmul(hs[0], self.recurrent_kernel)
            return list(ops.split(_plus(both, self.bias), self.gates, axis=-1))
        pairs = zip(self._project(xs, self.kernel, self.bias), self._project(hs, self.recurrent_kernel), strict=True)
        return [x + y for x, y in pairs]

    # -- all steps -----------------------------------------------------------------------------------------------

    def all_steps(self, x: Any, states: Any, mask: Any, reverse: bool, training: bool | None) -> Any:
        """All steps as one node with a gradient rule of its own, where there is one for the cell's settings.

        Args:
            x: Inputs [time, batch, features].
            states: The first states.
            mask: Booleans [time, batch] or [time, batch, 1], or None.
            reverse: Whether to go from the last step to the first.
            training: Whether dropout acts.

        Returns:
            The outputs [time, batch, units] and the last states, of which the first is the last output; None where
            the cell must run step by step.
        """
        x = x if is_float(x.dtype) else ops.cast(x, self.compute_dtype)
        drops = training and self.dropout > 0
        each_gate = training and (self.recurrent_dropout > 0 or (drops and self._mask_count > 1))
        if each_gate or len(x.shape) != 3 or not self._has_composite() or x.dtype != self.compute_dtype:
            return None
        if mask is not None:
            if len(mask.shape) not in (2, 3) or tuple(mask.shape[2:]) not in ((), (1,)):
                return None
            mask = mask if len(mask.shape) == 3 else ops.expand_dims(mask, -1)
            x = ops.where(mask, x, 0.0)  # whatever stands there, infinite numbers too, must not reach the states
            mask = ops.cast(mask, x.dtype)
        if drops:
            x = x * self.get_dropout_mask(x[0])
        with AutocastScope(self.compute_dtype if self.autocast else None):
            kernel, recurrent = ops.convert_to_tensor(self.kernel), ops.convert_to_tensor(self.recurrent_kernel)
            bias = None if self.bias is None else ops.convert_to_tensor(self.bias)
        outputs, *last = self._composite((x, kernel, recurrent, bias), states, mask, reverse)
        return outputs, last

    def _has_composite(self) -> bool:
        return False

    def _composite(self, tensors: tuple[Any, ...], states: Any, mask: Any, reverse: bool) -> Any:
        """The composite's outputs and last states for inputs, kernels and bias (or None)."""
        raise TypeError(f"{type(self).__name__} has no composite.")

    def get_config(self) -> dict[str, Any]:
        shared = ("activation", "use_bias", *of_weights("kernel", "recurrent", "bias"))
        rates = ("dropout", "recurrent_dropout", "seed")
        return {**super().get_config(), **described(self, *self.settings, *shared, *rates)}


def _dropped(value: Any, masks: Any) -> list[Any]:
    if masks is None:
        return [value]
    return [value * mask for mask in (masks if isinstance(masks, list) else [masks])]


def _plus(value: Any, bias: Any) -> Any:
    return value if bias is None else value + bias


def check_units(layer: Any, name: str, units: Any) -> int:
    """The size of a state.

    Raises:
        ValueError: If it is no positive integer.
    """
    if not isinstance(units, int) or isinstance(units, bool) or units <= 0:
        raise ValueError(f"{type(layer).__name__} '{layer.name}': `{name}` must be a positive integer, got {units!r}.")
    return units


def forget_bias(initializer: Any, units: int) -> Callable[..., Any]:
    """The initializer of a bias whose second quarter, the forget gate's, is 1."""

    def start(shape: Any, dtype: Any = None) -> Any:
        first, rest = (np.asarray(initializer((size,), dtype)) for size in (units, 2 * units))
        return np.concatenate([first, np.ones(units, first.dtype), rest])

    return start
