"""The layer that runs a cell over time."""

from __future__ import annotations

from typing import Any

from cornu import ops, tree
from cornu.layers.layer import Layer
from cornu.layers.recurrent.cell import RecurrentCell
from cornu.layers.recurrent.loop import over_time
from cornu.layers.recurrent.protocol import agree, as_list, build_cell, check_cell, initial_states, run_step
from cornu.layers.recurrent.stacked_rnn_cells import StackedRNNCells
from cornu.layers.settings import described
from cornu.tracing.variable import Variable

_LOOP = (
    "return_sequences",
    "return_state",
    "go_backwards",
    "stateful",
    "unroll",
    "zero_output_for_mask",
)


class RNN(Layer):
    """Runs a cell over time: `output, states = cell(inputs[:, t], states)` for every t.

    A cell is a layer with `call(inputs, states)`, which returns an output and the next states, and an attribute
    `state_size`, a number or a list of them. It may have `output_size` and `get_initial_state(batch_size)`; without
    the latter the first states are zeros.

    Where a mask is false, the states stay as they are and the output is that of the step before.

    Args:
        cell: The cell, or a list of cells, each of which gets the output of the one before.
        return_sequences: Whether to return the outputs of all steps rather than the last.
        return_state: Whether to return the last states, too.
        go_backwards: Whether to go from the last step to the first; the outputs come in that order.
        stateful: Whether a call starts from the last states of the call before; the batch size must then be fixed.
        unroll: Whether to write the steps out one after another, where their number is known: faster for few steps.
            As in Keras, masked outputs then start from zeros, and `zero_output_for_mask` has no effect.
        zero_output_for_mask: Whether the output is zeros where a mask is false.

    Raises:
        ValueError: If the cell lacks `call` or `state_size`.

    Shape:
        `(batch, time, ...)` → `(batch, output)`, or `(batch, time, output)` with `return_sequences`; with
        `return_state` a tuple of that and the states.

    Example:
        >>> import cornu
        >>> class Sum(cornu.layers.Layer):
        ...     state_size = output_size = 3
        ...     def call(self, inputs, states):
        ...         total = states[0] + inputs
        ...         return total, [total]
        >>> cornu.layers.RNN(Sum())(cornu.ops.ones((1, 5, 3))).numpy()
        array([[5., 5., 5.]], dtype=float32)
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        check_cell(self, self.cell)
        self.single_state = not isinstance(self.cell.state_size, (list, tuple))
        self.state_size = as_list(self.cell.state_size)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.states: Any = None
        self.supports_masking = True

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Builds the cell and, if the layer is stateful, creates its states."""
        build_cell(self.cell, (sequences_shape[0], *sequences_shape[2:]))
        if self.stateful:
            if sequences_shape[0] is None:
                raise ValueError(
                    f"{type(self).__name__} '{self.name}' is stateful and needs a fixed batch size, got input shape "
                    f"{tuple(sequences_shape)}: give `batch_shape` or `batch_size` to `Input`."
                )
            self._create_states(sequences_shape)

    def _create_states(self, sequences_shape: Any) -> None:
        def create(start: Any) -> Variable:
            variable = Variable(start, dtype=self.variable_dtype, trainable=False, name="rnn_state")
            variable.path = f"{self._path}/rnn_state"
            return variable

        self.states = tree.map_structure(create, self._zero_states(sequences_shape))

    # -- states --------------------------------------------------------------------------------------------------

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """The states before the first step: what the cell says, or zeros."""
        return initial_states(self.cell, batch_size, self.compute_dtype)

    def _zero_states(self, sequences_shape: Any) -> list[Any]:
        """The first states for inputs of a shape, whose sizes may be symbolic."""
        return self.get_initial_state(sequences_shape[0])

    def _first_states(self, sequences: Any, initial_state: Any) -> Any:
        shape = ops.shape(sequences)
        if initial_state is None and not self.stateful:
            return self._zero_states(shape)
        if self.stateful:
            expected = tree.flatten(self.states)[0].shape[0]
            if isinstance(shape[0], int) and shape[0] != expected:
                raise ValueError(
                    f"{type(self).__name__} '{self.name}' is stateful and was built for batches of {expected}, "
                    f"got inputs of shape {tuple(sequences.shape)}."
                )
        given = self.states if initial_state is None else initial_state
        return self._checked_states(self._zero_states(shape), given, sequences)

    def _checked_states(self, wanted: Any, given: Any, sequences: Any) -> Any:
        wanted_leaves, leaves = tree.flatten(wanted), [ops.convert_to_tensor(leaf) for leaf in tree.flatten(given)]
        wanted_shapes, shapes = ([tuple(leaf.shape) for leaf in each] for each in (wanted_leaves, leaves))
        fits = len(shapes) == len(wanted_shapes) and all(map(agree, shapes, wanted_shapes))
        if not fits:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': for inputs of shape {tuple(sequences.shape)} `initial_state` "
                f"must be tensors of shapes {wanted_shapes}, got {shapes}."
            )
        pairs = zip(leaves, wanted_leaves, strict=True)
        return tree.pack(wanted, [ops.cast(leaf, like.dtype) for leaf, like in pairs])

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to zeros."""
        for state in tree.flatten(self.states):
            if state is not None:
                state.assign(ops.zeros_like(state))

    def reset_states(self) -> None:
        """Sets the states of a stateful layer to zeros."""
        self.reset_state()

    # -- calling -------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = with_states_apart(args, kwargs)
        return super().__call__(*args, **kwargs)

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        states = self._first_states(sequences, initial_state)
        mask = next((leaf for leaf in tree.flatten(mask) if leaf is not None), None)
        last, outputs, states = self.inner_loop(sequences, states, mask, training)
        if self.stateful:
            for variable, state in zip(tree.flatten(self.states), tree.flatten(states), strict=True):
                variable.assign(ops.cast(state, variable.dtype))
        output = outputs if self.return_sequences else last
        return (output, *states) if self.return_state else output

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """All steps.

        Args:
            sequences: The inputs [batch, time, ...].
            initial_state: The first states.
            mask: Booleans [batch, time], or None.
            training: Whether dropout acts.

        Returns:
            The last output, the outputs of all steps in the order in which they were done (None unless
            `return_sequences`), and the last states.
        """
        items = ops.swapaxes(sequences, 0, 1)
        by_time = None if mask is None else ops.swapaxes(ops.cast(mask, "bool"), 0, 1)
        try:
            done = self._at_once(items, initial_state, by_time, training)
            outputs, states = done or self._by_steps(items, initial_state, by_time, training)
        finally:
            if hasattr(self.cell, "reset_masks"):
                self.cell.reset_masks()
        if done and not (self.zero_output_for_mask and mask is not None):
            last = states[0]
        else:
            last = tree.map_structure(lambda leaf: leaf[0 if self.go_backwards else -1], outputs)
        return last, tree.map_structure(self._in_order, outputs) if self.return_sequences else None, states

    def _in_order(self, outputs: Any) -> Any:
        outputs = ops.swapaxes(outputs, 0, 1)
        return ops.flip(outputs, 1) if self.go_backwards else outputs

    def _at_once(self, items: Any, states: Any, mask: Any, training: bool) -> Any:
        """The outputs by time and the last states from one node; None if the cell must run step by step."""
        if self.unroll or not isinstance(self.cell, RecurrentCell):
            return None
        done = self.cell.all_steps(items, states, mask, self.go_backwards, training)
        if done is None or mask is None or not self.zero_output_for_mask:
            return done
        mask = mask if len(mask.shape) == 3 else ops.expand_dims(mask, -1)
        return done[0] * ops.cast(mask, done[0].dtype), done[1]

    def _by_steps(self, items: Any, states: Any, mask: Any, training: bool) -> Any:
        if training and hasattr(self.cell, "draw_masks"):
            self.cell.draw_masks(items[0], states)

        def step(item: Any, states: Any) -> tuple[Any, Any]:
            return run_step(self.cell, item, states, training)

        return over_time(
            step, items, states, mask, self.cell, self.go_backwards, self.unroll, self.zero_output_for_mask
        )

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = next(iter(tree.flatten(previous_mask)), None)
        output = mask if self.return_sequences else None
        return [output, *(None for _ in self.state_size)] if self.return_state else output

    # -- configuration -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        return {**super().get_config(), **described(self, *_LOOP), "cell": serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> RNN:
        """Makes a layer of `get_config`'s result."""
        from cornu.saving import deserialize_keras_object

        cell = deserialize_keras_object(config["cell"], custom_objects=custom_objects)
        return cls(**{**config, "cell": cell})


def with_states_apart(args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments of a call on a list `[sequences, *states]`, as Keras 2 wrote them, with the states on their own.

    Raises:
        ValueError: If states are given twice.
    """
    if not args or not isinstance(args[0], (list, tuple)) or not any(hasattr(item, "shape") for item in args[0]):
        return args, kwargs
    first, *states = args[0]
    if not states:
        return (first, *args[1:]), kwargs
    if len(args) > 1 or kwargs.get("initial_state") is not None:
        raise ValueError("States are given both in the list of inputs and as `initial_state`.")
    return (first, states), {name: value for name, value in kwargs.items() if name != "initial_state"}
