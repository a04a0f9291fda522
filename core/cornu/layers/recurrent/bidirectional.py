"""A recurrent layer in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import ops, tree
from cornu.layers.layer import Layer
from cornu.layers.recurrent.rnn import with_states_apart

_MERGES: dict[str | None, Callable[[Any, Any], Any]] = {
    "concat": lambda forward, backward: ops.concatenate([forward, backward], axis=-1),
    "sum": lambda forward, backward: forward + backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
    "mul": lambda forward, backward: forward * backward,
    None: lambda forward, backward: (forward, backward),
}
_SHARED = ("return_sequences", "return_state", "stateful")


class Bidirectional(Layer):
    """Runs a recurrent layer from the first step to the last and a second one backwards, and merges their outputs.

    The outputs of all steps stand at the steps that they belong to, in both directions; where a mask is false, they are
    zeros.

    Args:
        layer: A recurrent layer; the one that runs is made anew from its config, with a name that says "forward".
        merge_mode: "concat" along the last axis, "sum", "mul" or "ave" of both outputs; None for a tuple of them.
        weights: Values of all weights, as `get_weights` returns them.
        backward_layer: The layer for the other direction; by default made from the config of `layer`.

    Raises:
        ValueError: If a layer is no recurrent layer, both have the same direction, or they differ in what they return.

    Shape:
        `(batch, time, features)` → the merged output; with `return_state` a tuple of it, the states of the forward
        layer and those of the backward layer.

    Source:
        Schuster and Paliwal, "Bidirectional Recurrent Neural Networks", IEEE Transactions on Signal Processing 45,
        1997.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.Bidirectional(cornu.layers.LSTM(4, return_sequences=True))
        >>> layer(cornu.ops.ones((2, 5, 3))).shape
        (2, 5, 8)
    """

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        if merge_mode not in _MERGES:
            raise ValueError(f"Bidirectional: `merge_mode` must be one of {[*_MERGES]}, got {merge_mode!r}.")
        _check_layer("layer", layer)
        if backward_layer is not None:
            _check_layer("backward_layer", backward_layer)
        super().__init__(**kwargs)
        self.forward_layer = _made_anew(layer, "forward")
        if backward_layer is None:
            self.backward_layer = _made_anew(layer, "backward", go_backwards=True)
        else:
            self.backward_layer = backward_layer
        self.merge_mode = merge_mode
        self._check_pair()
        # As in Keras: a repeated output would be of the step before in one direction, of the step after in the other.
        self.forward_layer.zero_output_for_mask = layer.return_sequences
        self.backward_layer.zero_output_for_mask = layer.return_sequences
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec
        self._initial_weights = weights

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                f"Bidirectional '{self.name}': one layer must have `go_backwards`, the other not; both have "
                f"{forward.go_backwards}."
            )
        for name in _SHARED:
            if getattr(forward, name) != getattr(backward, name):
                raise ValueError(
                    f"Bidirectional '{self.name}': both layers must have the same `{name}`, got "
                    f"{getattr(forward, name)} in the forward and {getattr(backward, name)} in the backward layer."
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Builds both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = with_states_apart(args, kwargs)
        return super().__call__(*args, **kwargs)

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        results = []
        for layer, states in zip(
            (self.forward_layer, self.backward_layer), self._halves(sequences, initial_state), strict=True
        ):
            result = layer(sequences, initial_state=states, mask=mask, training=training)
            results.append(result if isinstance(result, (list, tuple)) else (result,))
        (forward, *states), (backward, *more) = results
        if self.return_sequences:
            backward = ops.flip(backward, axis=1)
        output = _MERGES[self.merge_mode](forward, backward)
        if not self.return_state:
            return output
        return (*(output if self.merge_mode is None else (output,)), *states, *more)

    def _halves(self, sequences: Any, initial_state: Any) -> tuple[Any, Any]:
        if initial_state is None:
            return None, None
        states = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        if len(states) % 2:
            raise ValueError(
                f"Bidirectional '{self.name}': `initial_state` must be a list of the states of the forward layer and "
                f"then those of the backward layer, got {len(states)} of them."
            )
        return states[: len(states) // 2], states[len(states) // 2 :]

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = next(iter(tree.flatten(previous_mask)), None) if self.return_sequences else None
        return (mask, mask) if self.merge_mode is None else mask

    # -- states --------------------------------------------------------------------------------------------------

    @property
    def states(self) -> Any:
        """The states of a stateful layer: those of the forward layer, then those of the backward layer."""
        if self.forward_layer.states is None or self.backward_layer.states is None:
            return None
        return (*self.forward_layer.states, *self.backward_layer.states)

    def reset_state(self) -> None:
        """Sets the states to zeros.

        Raises:
            AttributeError: If the layer is not stateful.
        """
        if not self.stateful:
            raise AttributeError(f"Bidirectional '{self.name}' is not stateful and has no states to reset.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """Sets the states to zeros."""
        self.reset_state()

    # -- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        layers = {"layer": self.forward_layer, "backward_layer": self.backward_layer}
        described = {name: serialize_keras_object(layer) for name, layer in layers.items()}
        return {**super().get_config(), "merge_mode": self.merge_mode, **described}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Bidirectional:
        """Makes a layer of `get_config`'s result."""
        from cornu.saving import deserialize_keras_object

        arguments = dict(config)
        for name in ("layer", "backward_layer"):
            if arguments.get(name) is not None:
                arguments[name] = deserialize_keras_object(arguments[name], custom_objects=custom_objects)
        return cls(**arguments)


def _check_layer(name: str, layer: Any) -> None:
    if not isinstance(layer, Layer):
        raise ValueError(f"Bidirectional: `{name}` must be a recurrent layer, got {layer!r}.")
    missing = [attribute for attribute in ("go_backwards", *_SHARED) if not hasattr(layer, attribute)]
    if missing:
        raise ValueError(
            f"Bidirectional: `{name}` must be a recurrent layer, got {layer!r}, which has no {', '.join(missing)}."
        )


def _made_anew(layer: Any, direction: str, **changes: Any) -> Any:
    name = layer.name.removeprefix("forward_")
    return type(layer).from_config({**layer.get_config(), "name": f"{direction}_{name}", **changes})
