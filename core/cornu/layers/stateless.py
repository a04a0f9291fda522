"""Calling layers as functions of their state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cornu.layers.state import LayerState
from cornu.utils.holding import holding

if TYPE_CHECKING:
    from cornu.tracing.variable import Variable


class Stateless(LayerState):
    """The part of a layer that makes a function of state out of its call."""

    if TYPE_CHECKING:

        @property
        def losses(self) -> list[Any]: ...

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def stateless_call(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Calls the layer with given values of its variables, and leaves the variables as they are.

        Args:
            trainable_variables: A value for each of `layer.trainable_variables`.
            non_trainable_variables: A value for each of `layer.non_trainable_variables`.
            args: The layer's inputs.
            return_losses: Whether to return the losses, too.
            kwargs: Further arguments of the call.

        Returns:
            `(outputs, non_trainable_variables)` with what these variables would have become; and the losses, if asked
            for.

        Raises:
            ValueError: If the layer is not built, or the number of values is wrong.

        Example:
            >>> import cornu
            >>> layer = cornu.layers.Dense(1, kernel_initializer="ones")
            >>> layer.build((None, 2))
            >>> outputs, _ = layer.stateless_call([[[2.0], [3.0]], [1.0]], [], cornu.ops.ones((1, 2)))
            >>> outputs.numpy()
            array([[6.]], dtype=float32)
        """
        variables = self._with_values(trainable_variables, non_trainable_variables)
        with holding(variables, [*trainable_variables, *non_trainable_variables]):
            outputs = self(*args, **kwargs)
            after = [variable.value for variable in self.non_trainable_variables]
            losses = list(self.losses) if return_losses else []
        return (outputs, after, losses) if return_losses else (outputs, after)

    def _with_values(self, trainable: Sequence[Any], non_trainable: Sequence[Any]) -> list[Variable]:
        if not self.built:
            raise ValueError(f"stateless_call of {self.name}: it isn't built yet. Build it, or call it on data, first.")
        pairs = (
            ("trainable_variables", trainable, self.trainable_variables),
            ("non_trainable_variables", non_trainable, self.non_trainable_variables),
        )
        for label, values, variables in pairs:
            if len(values) != len(variables):
                raise ValueError(
                    f"stateless_call of {self.name}: `{label}` must hold {len(variables)} values, got {len(values)}."
                )
        return [*self.trainable_variables, *self.non_trainable_variables]
