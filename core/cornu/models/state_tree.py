"""All state of a model as one tree of values, by the variables' paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cornu.tracing.variable import Variable

Tree = dict[str, Any]
FORMATS = ("backend_tensor", "numpy_array")


def _groups(model: Any) -> Iterator[tuple[str, list[Variable]]]:
    optimizer = getattr(model, "optimizer", None)
    yield "trainable_variables", model.trainable_variables
    yield "non_trainable_variables", model.non_trainable_variables
    yield "optimizer_variables", [] if optimizer is None else list(optimizer.variables)
    yield "metrics_variables", model.metrics_variables


def get_state_tree(model: Any, value_format: str) -> Tree:
    """See `Model.get_state_tree`."""
    if value_format not in FORMATS:
        raise ValueError(f"get_state_tree: `value_format` must be one of {FORMATS}, got {value_format!r}.")
    return {group: _nested(variables, value_format) for group, variables in _groups(model)}


def _nested(variables: Iterable[Variable], value_format: str) -> Tree:
    tree: Tree = {}
    for steps, variable in _placed(variables):
        inner = tree
        for step in steps[:-1]:
            inner = inner.setdefault(step, {})
        inner[steps[-1]] = variable.value if value_format == "backend_tensor" else variable.numpy()
    return tree


def _placed(variables: Iterable[Variable]) -> list[tuple[list[str], Variable]]:
    """Each variable with its path.

    Raises:
        ValueError: If two have the same, or one's path goes on from another's.
    """
    placed = {variable.path: variable for variable in variables}
    if len(placed) != len(list(variables)):
        raise ValueError("The model has several variables of the same path: give its layers different names.")
    return [(path.split("/"), variable) for path, variable in placed.items()]


def set_state_tree(model: Any, state: Tree) -> None:
    """See `Model.set_state_tree`."""
    known = dict(_groups(model))
    unknown = [group for group in state if group not in known]
    if unknown:
        raise ValueError(f"set_state_tree: unknown group(s) {unknown}; there are {list(known)}.")
    found = []
    for group, tree in state.items():
        for steps, variable in _placed(known[group]):
            found.append((variable, _follow(tree, steps, group)))
    for variable, value in found:
        variable.assign(value)


def _follow(tree: Any, steps: list[str], group: str) -> Any:
    for step in steps:
        if not isinstance(tree, dict) or step not in tree:
            raise ValueError(f"set_state_tree: {group} has no value for {'/'.join(steps)}.")
        tree = tree[step]
    return tree
