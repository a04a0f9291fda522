"""Training, evaluation and prediction: the one loop that every model uses."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from cornu import tree
from cornu.tracing.tensor import Tensor
from cornu.training.compile_utils import CompileMetrics
from cornu.training.data import ArraySource, Epochs, make_source, split_validation, unpack_x_y_sample_weight
from cornu.training.limits import limited_epochs
from cornu.training.steps import Logs, Steps

_RAN_OUT = (
    "Your input ran out of data after {epochs} epoch(s); training ends. A generator can be gone through once only: "
    "pass `steps_per_epoch`, a generator that does not end, or an iterable that can start again."
)


class Trainer(Steps):
    """The part of a model that trains: `fit`, `evaluate`, `predict` and their forms for one batch."""

    # -- fit -----------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> Any:
        """Trains for a number of epochs.

        Args:
            x: Inputs: arrays, or an iterable of batches `(x, y)` or `(x, y, sample_weight)`.
            y: Targets, if `x` is arrays.
            batch_size: Samples in a batch; 32 if missing.
            epochs: The epoch to stop before.
            verbose: 0 silent, 1 a progress bar, 2 a line per epoch; "auto" is 1.
            callbacks: Callbacks.
            validation_split: The last fraction of the arrays that is used for validation.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or an iterable of batches.
            shuffle: Whether arrays have another order in each epoch.
            class_weight: From class index to weight.
            sample_weight: Weights of samples, if `x` is arrays.
            initial_epoch: The epoch to start at.
            steps_per_epoch: Batches of an epoch.
            validation_steps: Batches of a validation.
            validation_batch_size: Samples in a batch of the validation; `batch_size` if missing.
            validation_freq: Every how many epochs to validate, or a collection of epochs counted from 1.

        Returns:
            The `History` callback, whose `history` has a list per log.

        Raises:
            ValueError: If the model is not compiled or the data do not fit.
        """
        from cornu.callbacks import CallbackList

        self._require_compiled("fit")
        for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
            if not isinstance(value, (int, np.integer)):
                raise ValueError(f"fit: `{name}` must be an integer, got {value!r}.")
        epochs = limited_epochs(epochs)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_validation((x, y, sample_weight), validation_split)
        source = make_source(x, y, sample_weight, batch_size, shuffle, class_weight)
        batches = Epochs(source, steps_per_epoch)
        list_of_callbacks = (
            callbacks
            if isinstance(callbacks, CallbackList)
            else CallbackList(
                callbacks,
                add_history=True,
                add_progbar=verbose != 0,
                verbose=1 if verbose == "auto" else verbose,
                epochs=epochs,
                steps=batches.size,
                model=self,
            )
        )
        self.stop_training = False
        self._initial_epoch = initial_epoch
        list_of_callbacks.on_train_begin()
        logs: Logs = {}
        with list_of_callbacks.abandoned_on_failure():
            for epoch in range(self._initial_epoch, epochs):  # a callback may have changed it
                latest = self._run_epoch(epoch, batches, list_of_callbacks)
                if latest is None:
                    if epoch == self._initial_epoch:
                        raise ValueError("The data are empty: there was not one batch to train on.")
                    warnings.warn(_RAN_OUT.format(epochs=epoch - self._initial_epoch), stacklevel=2)
                    break
                logs = latest
                if validation_data is not None and _due(epoch, validation_freq):
                    judged = self._validate(
                        validation_data, validation_batch_size or batch_size, validation_steps, list_of_callbacks
                    )
                    logs = {**logs, **judged}
                list_of_callbacks.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
        if self.optimizer is not None and hasattr(self.optimizer, "finalize_variable_values"):
            self.optimizer.finalize_variable_values(self.trainable_variables)  # type: ignore[attr-defined]
        list_of_callbacks.on_train_end(logs)
        return self.history

    def _run_epoch(self, epoch: int, batches: Epochs, callbacks: Any) -> Logs | None:
        """The logs of an epoch; None if there was no batch left."""
        self.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        logs: Logs = {}
        step = 0
        for group in self._groups(batches):
            callbacks.on_train_batch_begin(step)
            for batch in group:
                logs = self._step("train", batch)
            step += len(group)
            callbacks.on_train_batch_end(step - 1, logs)
            if self.stop_training:
                break
        return _numbers(logs) if step else None

    def _step(self, kind: str, batch: Any) -> Any:
        if kind not in self._functions:
            self._prepare(batch)
        return self._function(kind)(batch)

    def _validate(self, data: Any, batch_size: int | None, steps: int | None, callbacks: Any) -> Logs:
        x, y, weight = unpack_x_y_sample_weight(data) if isinstance(data, (tuple, list)) else (data, None, None)
        logs = self.evaluate(
            x,
            y,
            batch_size=batch_size,
            sample_weight=weight,
            steps=steps,
            callbacks=callbacks,
            return_dict=True,
            verbose=0,
        )
        return {f"val_{name}": value for name, value in logs.items()}

    # -- evaluate and predict ------------------------------------------------------------------------------------

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and metrics on given data.

        Args:
            x, y, batch_size, sample_weight: As for `fit`.
            verbose: 0 silent, 1 a progress bar, 2 one line; "auto" is 1.
            steps: Batches to take.
            callbacks: Callbacks.
            return_dict: Whether to return a dict by name instead of a list.
            kwargs: None.

        Returns:
            The loss, or a list of the loss and the metrics, or a dict.

        Raises:
            ValueError: If the model is not compiled or the data do not fit.
        """
        if kwargs:
            raise ValueError(f"evaluate does not know the argument(s) {', '.join(kwargs)}.")
        self._require_compiled("evaluate")
        self.stop_evaluating = False
        batches = Epochs(make_source(x, y, sample_weight, batch_size), steps)
        list_of_callbacks = self._callbacks(callbacks, verbose, batches.size)
        list_of_callbacks.on_test_begin()
        self.reset_metrics()
        logs: Logs = {}
        step = 0
        for group in self._groups(batches):
            list_of_callbacks.on_test_batch_begin(step)
            for batch in group:
                logs = self._step("test", batch)
            step += len(group)
            list_of_callbacks.on_test_batch_end(step - 1, logs)
            if self.stop_evaluating:
                break
        if not logs:
            raise ValueError("The data are empty: there was not one batch to evaluate.")
        logs = _numbers(logs)
        list_of_callbacks.on_test_end(logs)
        return logs if return_dict else self._flat(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for given inputs, as NumPy arrays.

        Args:
            x: Inputs: arrays or an iterable of batches.
            batch_size: Samples in a batch; 32 if missing.
            verbose: 0 silent, 1 a progress bar, 2 one line; "auto" is 1.
            steps: Batches to take.
            callbacks: Callbacks.

        Returns:
            An array, or a structure of them like the model's outputs.

        Raises:
            ValueError: If the data do not fit.
        """
        self.stop_predicting = False
        batches = Epochs(make_source(x, batch_size=batch_size), steps)
        list_of_callbacks = self._callbacks(callbacks, verbose, batches.size)
        list_of_callbacks.on_predict_begin()
        results: list[Any] = []
        for group in self._groups(batches):
            list_of_callbacks.on_predict_batch_begin(len(results))
            results += [tree.map_structure(np.asarray, self._step("predict", (x,))) for x, _, _ in group]
            outputs = results[-1] if len(group) == 1 else _joined(results[-len(group) :])
            list_of_callbacks.on_predict_batch_end(len(results) - 1, {"outputs": outputs})
            if self.stop_predicting:
                break
        if not results:
            raise ValueError("The data are empty: there was not one batch to predict.")
        list_of_callbacks.on_predict_end()
        return _joined(results)

    def _groups(self, batches: Epochs) -> Iterator[list[Any]]:
        """Batches in groups between two calls of the callbacks."""
        running = iter(batches)
        while group := list(islice(running, self.steps_per_execution)):
            yield group

    def _callbacks(self, callbacks: Any, verbose: Any, steps: int | None) -> Any:
        from cornu.callbacks import CallbackList

        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(
            callbacks,
            add_progbar=verbose != 0,
            verbose=1 if verbose == "auto" else verbose,
            epochs=1,
            steps=steps,
            model=self,
        )

    # -- single batches ------------------------------------------------------------------------------------------

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of training on one batch; the metrics are those of this batch.

        Returns:
            The loss, or a list of the loss and the metrics, or a dict.
        """
        self._require_compiled("train_on_batch")
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """One step of evaluation on one batch; the metrics are those of this batch."""
        self._require_compiled("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        (batch,) = _whole(x, None, None, None)
        return tree.map_structure(np.asarray, self._step("predict", batch[:1]))

    def _on_batch(self, kind: str, x: Any, y: Any, weight: Any, class_weight: Any, return_dict: bool) -> Any:
        (batch,) = _whole(x, y, weight, class_weight)
        self.reset_metrics()
        logs = _numbers(self._step(kind, batch))
        return logs if return_dict else self._flat(logs)

    def _flat(self, logs: Logs) -> Any:
        """The values of logs: the loss first; a bare number where there is no other."""
        if len(logs) == 1:
            return next(iter(logs.values()))
        names = [name for metric in self.metrics for name in _names_of(metric) if name in logs]
        ordered = dict.fromkeys([*names, *sorted(logs)])
        return [logs[name] for name in ordered]


def _joined(results: list[Any]) -> Any:
    """The outputs of several batches, one after another."""
    return tree.map_structure(lambda *parts: np.concatenate(parts), *results)


def _names_of(metric: Any) -> list[str]:
    """A metric's name, or those of the metrics that `compile` made: Keras lists the others by name after them."""
    return [inner.name for inner in metric.metrics] if isinstance(metric, CompileMetrics) else [metric.name]


def _whole(x: Any, y: Any, weight: Any, class_weight: Any) -> Iterable[Any]:
    """All samples as one batch."""
    return list(ArraySource(x, y, weight, 1 << 40, class_weight=class_weight).epoch())


def _numbers(logs: Logs) -> Logs:
    """Logs with Python floats in the place of scalar tensors."""
    return {
        name: float(np.asarray(value)) if isinstance(value, (Tensor, np.generic)) and not value.shape else value
        for name, value in logs.items()
    }


def _due(epoch: int, frequency: Any) -> bool:
    """Whether to validate after an epoch (counted from 0)."""
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency
