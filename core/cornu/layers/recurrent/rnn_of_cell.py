"""What layers over a built-in cell share."""

from __future__ import annotations

import inspect
from typing import Any

from cornu.layers.input_spec import InputSpec
from cornu.layers.recurrent.cell import RecurrentCell
from cornu.layers.recurrent.rnn import RNN
from cornu.layers.settings import described


class RNNOfCell(RNN):
    """A layer that makes its own cell of its arguments, and has the cell's settings as its own.

    Args:
        activity_regularizer: A function of the output that is added to the losses.
        use_cudnn: "auto" or True to run all steps as one node where possible, False for a loop.
        arguments: Those of the cell, of `RNN` and of every layer.

    Raises:
        ValueError: If `use_cudnn` is something else.
    """

    _cell_class: type[RecurrentCell]
    _cell_name: str
    _cell_settings: tuple[str, ...]

    def __init_subclass__(cls, cell: type[RecurrentCell] | None = None, cell_name: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cell is None:
            return
        parameters = list(inspect.signature(cell.__init__).parameters)
        cls._cell_class, cls._cell_name = cell, cell_name
        cls._cell_settings = tuple(name for name in parameters if name not in ("self", "kwargs"))
        for name in cls._cell_settings:
            setattr(cls, name, _of_cell(name))

    def __init__(self, activity_regularizer: Any = None, use_cudnn: bool | str = "auto", **arguments: Any) -> None:
        if use_cudnn not in ("auto", True, False):
            raise ValueError(f"{type(self).__name__}: `use_cudnn` must be 'auto', True or False, got {use_cudnn!r}.")
        for_cell = {name: arguments.pop(name) for name in self._cell_settings if name in arguments}
        if "implementation" in arguments and self._cell_class.gates > 1:
            for_cell["implementation"] = arguments.pop("implementation")
        shared = {name: arguments[name] for name in ("dtype", "trainable") if name in arguments}
        cell = self._cell_class(name=self._cell_name, **shared, **for_cell)
        super().__init__(cell, activity_regularizer=activity_regularizer, **arguments)
        self.use_cudnn = use_cudnn
        self.input_spec = InputSpec(ndim=3)

    def _at_once(self, items: Any, states: Any, mask: Any, training: bool) -> Any:
        return super()._at_once(items, states, mask, training) if self.use_cudnn else None

    def get_config(self) -> dict[str, Any]:
        of_loop = {name: value for name, value in super().get_config().items() if name != "cell"}
        of_cell = self.cell.get_config()
        return {
            **of_loop,
            **{name: of_cell[name] for name in self._cell_settings if name in of_cell},
            **described(self, "activity_regularizer"),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes a layer of `get_config`'s result."""
        return cls(**config)


def _of_cell(name: str) -> property:
    return property(lambda self: getattr(self.cell, name), doc=f"The cell's `{name}`.")
