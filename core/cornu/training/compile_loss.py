"""The losses given to `compile`, matched with a model's outputs and summed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cornu import losses as losses_module
from cornu import ops, tree
from cornu.losses.loss import Loss
from cornu.metrics.reduction import Mean
from cornu.tracing.tensor import dims
from cornu.tracing.trace import named_scope
from cornu.tracing.variable import Variable
from cornu.utils.naming import object_name


def is_binary_or_sparse_categorical(y_true: Any, y_pred: Any) -> tuple[bool, bool]:
    """Whether predictions are one probability, and whether targets are class numbers, going by the shapes."""
    true, pred = y_true.shape, y_pred.shape
    binary = pred[-1] == 1
    single = len(true) > 0 and true[-1] == 1
    return binary, len(true) < len(pred) or (single and pred[-1] is not None and pred[-1] > 1)


def get_loss(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    """The loss object meant by what `compile` was given; "crossentropy" is settled by the shapes.

    Args:
        identifier: A name, config, function, class or object; None stays None.
        y_true: Targets.
        y_pred: Predictions.

    Raises:
        ValueError: If nothing is found.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        binary, sparse = is_binary_or_sparse_categorical(y_true, y_pred)
        found: Any = (
            losses_module.binary_crossentropy
            if binary
            else losses_module.sparse_categorical_crossentropy
            if sparse
            else losses_module.categorical_crossentropy
        )
    else:
        found = losses_module.get(identifier)
    if isinstance(found, Loss):
        return found
    name = identifier if isinstance(identifier, str) else object_name(found)
    return losses_module.LossFunctionWrapper(found, name=name)


@dataclass(frozen=True)
class _Part:
    """One loss.

    Attributes:
        outputs: The number of its output, or a structure of numbers.
        loss: The loss.
        weight: Its factor, or None.
        name: What it is called in logs.
    """

    outputs: Any
    loss: Any
    weight: Any
    name: str


@dataclass(frozen=True)
class _Weighted:
    loss: Any
    weight: Any


class CompileLoss(Loss):
    """The sum of the losses given to `compile`, each times its weight.

    With more than one, `metrics` holds the mean of each, named "<output>_loss".

    Args:
        loss: A loss for all outputs, or a structure of losses like the outputs, or by output name. None leaves an
            output out.
        loss_weights: A float, or a structure of them like `loss`.
        reduction: See `Loss`.
        output_names: The outputs' names, in order.

    Raises:
        ValueError, KeyError: If losses, weights or targets do not fit the outputs.
    """

    def __init__(
        self,
        loss: Any,
        loss_weights: Any = None,
        reduction: str | None = "sum_over_batch_size",
        output_names: Sequence[str] | None = None,
    ) -> None:
        if loss_weights and not isinstance(loss_weights, (list, tuple, dict, float)):
            raise ValueError(
                "`loss_weights` must be a float for a single output, or a list, tuple or dict, got "
                f"{loss_weights!r} of type {type(loss_weights).__name__}."
            )
        super().__init__(name="compile_loss", reduction=reduction)
        self._user_loss = loss
        self._user_loss_weights = loss_weights
        self.output_names = None if output_names is None else list(output_names)
        self.built = False
        self._parts: list[_Part] = []
        self._metrics: list[Mean] = []

    @property
    def metrics(self) -> list[Mean]:
        """The mean of each loss, where there is more than one."""
        return list(self._metrics)

    @property
    def variables(self) -> list[Variable]:
        """The variables of these means."""
        return [variable for metric in self._metrics for variable in metric.variables]

    # -- matching ------------------------------------------------------------------------------------------------

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Matches losses with outputs of this structure and these shapes."""
        preds = tree.flatten(y_pred)
        trues = self._align(y_true, y_pred)
        numbers = tree.pack(y_pred, list(range(len(preds))))
        named = self.output_names is not None and len(self.output_names) == len(preds)
        names: Sequence[str | None] = (self.output_names or ()) if named else [None] * len(preds)
        loss, weights = self._by_name(y_pred)
        loss = _pair(loss, weights)
        if not tree.is_nested(loss):
            loss = tree.map_structure(lambda _: loss, y_pred)
        self._parts = []
        for number, part, path in _walk(loss, numbers, ()):
            resolved = get_loss(part.loss, *(_pick(number, values) for values in (trues, preds)))
            name = _part_name(path, number, names, resolved)
            self._parts.append(_Part(number, resolved, part.weight, name))
        if len(self._parts) > 1:
            self._metrics = [Mean(name=f"{part.name}_loss") for part in self._parts]
        self.built = True

    def _by_name(self, y_pred: Any) -> tuple[Any, Any]:
        """Losses and weights; those given by output name come in the outputs' order."""
        loss, weights, names = self._user_loss, self._user_loss_weights, self.output_names
        if not names or not isinstance(loss, Mapping) or isinstance(y_pred, Mapping):
            return loss, weights
        if set(names) != set(loss):
            raise ValueError(f"`loss` must have the keys {names}, one per output, got {list(loss)}.")
        if isinstance(weights, Mapping):
            weights = [weights[name] for name in names]
        return [loss[name] for name in names], weights

    def _align(self, y_true: Any, y_pred: Any) -> list[Any]:
        """One target per output, flat; None for an output without a loss that was given no target."""
        count = len(tree.flatten(y_pred))
        if isinstance(y_true, Mapping) and self.output_names and not isinstance(y_pred, Mapping):
            if set(self.output_names) == set(y_true):
                return [y_true[name] for name in self.output_names]
        elif isinstance(y_true, Mapping) and isinstance(y_pred, Mapping):
            flat = not any(tree.is_nested(part) for part in y_pred.values())
            if flat and set(y_true) <= set(y_pred):
                return [y_true.get(key) for key in sorted(y_pred)]
        trues = tree.flatten(y_true)
        if len(trues) == count:
            return trues
        wanted = [loss is not None for loss in tree.flatten(self._user_loss)]
        if len(wanted) == count and sum(wanted) == len(trues):
            left = iter(trues)
            return [next(left) if want else None for want in wanted]
        raise ValueError(
            f"Targets of the form {tree.describe(y_true)} do not fit outputs of the form {tree.describe(y_pred)}."
        )

    # -- computing -----------------------------------------------------------------------------------------------

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The total loss, or None if all losses are None.

        Args:
            y_true: Targets, in the outputs' structure, flat, or by output name.
            y_pred: The outputs.
            sample_weight: Weights for all outputs, or a structure of them like the outputs.
        """
        with named_scope(self.name):
            return self.call(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """See `__call__`."""
        if not self.built:
            self.build(y_true, y_pred)
        trues, preds = self._align(y_true, y_pred), tree.flatten(y_pred)
        weights = self._align(sample_weight, y_pred) if tree.is_nested(sample_weight) else [sample_weight] * len(preds)
        total: Any = None
        for i, part in enumerate(self._parts):
            value = self._value(part, trues, preds, weights)
            if self._metrics:
                batch = dims(tree.flatten(_pick(part.outputs, preds))[0])[0]
                self._metrics[i].update_state(value, sample_weight=ops.convert_to_tensor(batch, dtype=value.dtype))
            if part.weight is not None:
                value = ops.multiply(value, part.weight)
            total = value if total is None else ops.add(total, value)
        return total

    def _value(self, part: _Part, trues: list[Any], preds: list[Any], weights: list[Any]) -> Any:
        true = _pick(part.outputs, trues)
        if true is None:
            raise ValueError(f"There is a loss for the output {part.name!r}, but no target.")
        value = part.loss(true, _pick(part.outputs, preds), tree.flatten(_pick(part.outputs, weights))[0])
        return ops.cast(value, self.dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "loss": self._user_loss,
            "loss_weights": self._user_loss_weights,
            "reduction": self.reduction,
            "output_names": self.output_names,
        }


def _pick(number: Any, values: Sequence[Any]) -> Any:
    return tree.map_structure(lambda i: values[i], number)


def _pair(loss: Any, weights: Any) -> Any:
    """Losses with their weights; None stays None."""
    flat_loss = tree.flatten(loss)
    flat_weights = [None] * len(flat_loss) if weights is None else tree.flatten(weights)
    if len(flat_weights) != len(flat_loss):
        raise ValueError(
            f"`loss_weights` must match the losses: there are {len(flat_loss)} losses and {len(flat_weights)} weights."
        )
    if isinstance(loss, Mapping) and isinstance(weights, Mapping) and set(loss) != set(weights):
        raise ValueError(f"`loss_weights` must have the keys of `loss`, {list(loss)}, got {list(weights)}.")
    pairs = [None if item is None else _Weighted(item, w) for item, w in zip(flat_loss, flat_weights, strict=True)]
    return tree.pack(loss, pairs)


def _walk(loss: Any, numbers: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, _Weighted, tuple[Any, ...]]]:
    """Each loss with the number(s) of its output(s) and the way there."""
    if loss is None:
        return
    if isinstance(loss, _Weighted):
        yield numbers, loss, path
        return
    if isinstance(loss, (list, tuple)):
        flat = not any(tree.is_nested(item) for item in loss)
        if flat and len(loss) == len(tree.flatten(numbers)):
            packed = tree.pack(numbers, list(loss))
            if not isinstance(packed, (list, tuple)):
                yield from _walk(packed, numbers, path)
                return
            loss = packed
        elif not isinstance(numbers, (list, tuple)):
            for item in loss:
                yield from _walk(item, numbers, path)
            return
        parts: Any = enumerate(loss)
        known = isinstance(numbers, (list, tuple))
    else:
        parts, known = loss.items(), isinstance(numbers, Mapping)
    for key, item in parts:
        here = (*path, key)
        inside = known and (key in numbers if isinstance(numbers, Mapping) else key < len(numbers))
        if item is not None and not inside:
            raise KeyError(f"`loss` has an entry at {here}, but the model has no output there.")
        if item is not None:
            yield from _walk(item, numbers[key], here)


def _part_name(path: tuple[Any, ...], number: Any, names: Sequence[str | None], loss: Any) -> str:
    """The output's name: its keys, the last replaced by the name where the output stands in a list."""
    if tree.is_nested(number):
        return "/".join(map(str, path)) or "_".join(str(names[i]) for i in tree.flatten(number))
    name = names[number] or loss.name
    if not path:
        return str(name)
    steps = (*path[:-1], name) if isinstance(path[-1], int) else path
    return "/".join(map(str, steps))
