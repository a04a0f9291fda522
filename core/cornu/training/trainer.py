"""Training, evaluation and prediction: the one loop that every model uses."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from cornu import ops, tree
from cornu.ir.dim import Dim
from cornu.ir.types import TensorType
from cornu.tracing.function import Function
from cornu.tracing.gradient import GradientTape
from cornu.tracing.tensor import Tensor
from cornu.training.compile_utils import CompileLoss, CompileMetrics
from cornu.training.data import ArraySource, Epochs, make_source, split_validation, unpack_x_y_sample_weight

Logs = dict[str, Any]


class Trainer:
    """The part of a model that trains: `compile`, `fit`, `evaluate`, `predict` and their steps."""

    name: str
    built: bool

    def __init__(self) -> None:
        if "_trainer_ready" in self.__dict__:
            return
        self._trainer_ready = True
        self.compiled = False
        self.loss: Any = None
        self.optimizer: Any = None
        self.stop_training = False
        self.history: Any = None
        self.steps_per_execution = 1
        self.run_eagerly = False
        self.jit_compile: Any = True
        self._compile_config: dict[str, Any] | None = None
        self._compile_loss: CompileLoss | None = None
        self._compile_metrics: CompileMetrics | None = None
        self._loss_tracker: Any = None
        self._functions: dict[str, Function] = {}

    # -- compile -------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Sets how the model is trained and judged.

        Args:
            optimizer: An optimizer or its name.
            loss: A loss, its name, or a structure of them like the outputs.
            loss_weights: Factors of the outputs' losses.
            metrics: Metrics or their names, or a structure of them like the outputs.
            weighted_metrics: Metrics that take sample weights.
            run_eagerly: Whether steps run operation by operation, for debugging.
            steps_per_execution: Batches between two calls of the callbacks.
            jit_compile: "auto", True or False. Programs are always compiled, so True and "auto" are the same;
                False is another way to say `run_eagerly=False`.
            auto_scale_loss: Whether a float16 policy scales the loss.

        Raises:
            ValueError: If an identifier is unknown or a setting is out of range.
        """
        from cornu import metrics as metrics_module
        from cornu import optimizers

        if not isinstance(steps_per_execution, int) or steps_per_execution < 1:
            raise ValueError(f"`steps_per_execution` must be a positive integer, got {steps_per_execution!r}.")
        if jit_compile not in ("auto", True, False):
            raise ValueError(f"`jit_compile` must be 'auto', True or False, got {jit_compile!r}.")
        self._compile_config = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile if jit_compile != "auto" else True,
        }
        self.optimizer = optimizers.get(optimizer)
        if auto_scale_loss and self._policy_name() == "mixed_float16" and self.optimizer is not None:
            self.optimizer = optimizers.LossScaleOptimizer(self.optimizer)
        self._compile_config["optimizer"] = self.optimizer
        self.loss = loss
        names = self._output_names()
        self._compile_loss = None if loss is None else CompileLoss(loss, loss_weights, output_names=names)
        self._compile_metrics = (
            None
            if metrics is None and weighted_metrics is None
            else CompileMetrics(metrics, weighted_metrics, output_names=names)
        )
        self._loss_tracker = metrics_module.Mean(name="loss")
        self.run_eagerly = run_eagerly
        self.jit_compile = jit_compile
        self.steps_per_execution = steps_per_execution
        self.stop_training = False
        self.compiled = True
        self._functions = {}

    def _policy_name(self) -> str:
        policy = getattr(self, "dtype_policy", None)
        return policy.name if policy is not None else ""

    def _output_names(self) -> list[str] | None:
        try:
            return list(self.output_names)  # type: ignore[attr-defined]
        except AttributeError:
            return None

    def _require_compiled(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(f"You must call `compile()` before using the model ({self.name}.{method}).")

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as `get_compile_config` recorded it."""
        from cornu.saving import deserialize_keras_object

        known = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly",
                 "steps_per_execution", "jit_compile")
        arguments = {key: deserialize_keras_object(config[key]) for key in known if key in config}
        self.compile(**arguments)
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile`, as a config."""
        from cornu.saving import serialize_keras_object

        if self._compile_config is None:
            return None
        config: dict[str, Any] = serialize_keras_object(self._compile_config)
        return config

    # -- metrics and losses --------------------------------------------------------------------------------------

    @property
    def metrics(self) -> list[Any]:
        """The loss's mean, the metrics of layers, those given to `compile`, and the outputs' losses."""
        found = [] if self._loss_tracker is None else [self._loss_tracker]
        found += super().metrics  # type: ignore[misc]
        if self._compile_metrics is not None:
            found.append(self._compile_metrics)
        if self._compile_loss is not None:
            found += self._compile_loss.metrics
        return list({id(metric): metric for metric in found}.values())

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Sets all metrics back."""
        for metric in self.metrics:
            metric.reset_state()

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss of a batch: that given to `compile`, plus what layers added.

        Raises:
            ValueError: If there is no loss at all.
        """
        parts = []
        if self._compile_loss is not None:
            value = self._compile_loss(y, y_pred, sample_weight)
            if value is not None:
                parts.append(value)
        parts += [ops.sum(ops.cast(loss, "float32")) for loss in self.losses]  # type: ignore[attr-defined]
        if not parts:
            raise ValueError(
                f"Model {self.name} has no loss to minimize: pass `loss` to `compile()`, or call `add_loss` in a layer."
            )
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Logs:
        """Updates the metrics given to `compile` and returns all results."""
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> Logs:
        """The results of all metrics by name."""
        results: Logs = {}
        for metric in self.metrics:
            result = metric.result()
            results.update(result if isinstance(result, dict) else {metric.name: result})
        return results

    # -- steps ---------------------------------------------------------------------------------------------------

    def _call_for(self, x: Any, training: bool) -> Any:
        accepts = self._accepts("training")  # type: ignore[attr-defined]
        return self(x, training=training) if accepts else self(x)  # type: ignore[operator]

    def train_step(self, data: Any) -> Logs:
        """One step of training on a batch: forward, loss, backward, update, metrics."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        variables = self.trainable_variables  # type: ignore[attr-defined]
        with GradientTape() as tape:
            y_pred = self._call_for(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True)
            self._track_loss(loss, x)
            scaled = loss if self.optimizer is None else self.optimizer.scale_loss(loss)
        if variables and self.optimizer is not None:
            gradients = tape.gradient(scaled, variables)
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        elif not variables:
            warnings.warn(f"The model {self.name} does not have any trainable weights.", stacklevel=2)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, data: Any) -> Logs:
        """One step of evaluation on a batch."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self._call_for(x, training=False)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False)
        self._track_loss(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self._call_for(x, training=False)

    def _track_loss(self, loss: Any, x: Any) -> None:
        if self._loss_tracker is not None:
            count = ops.shape(next(leaf for leaf in tree.flatten(x) if leaf is not None))[0]
            self._loss_tracker.update_state(loss, sample_weight=ops.cast(count, "float32"))

    # -- compiled steps ------------------------------------------------------------------------------------------

    def _function(self, kind: str) -> Any:
        step = getattr(self, f"{kind}_step")
        if self.run_eagerly:
            return step
        if kind not in self._functions:
            self._functions[kind] = Function(step, self._symbolic_axes, constant_state=kind == "predict")
        return self._functions[kind]

    def make_train_function(self, force: bool = False) -> Any:
        """The compiled `train_step`; a new one with `force`."""
        return self._renewed("train", force)

    def make_test_function(self, force: bool = False) -> Any:
        """The compiled `test_step`; a new one with `force`."""
        return self._renewed("test", force)

    def make_predict_function(self, force: bool = False) -> Any:
        """The compiled `predict_step`; a new one with `force`."""
        return self._renewed("predict", force)

    def _renewed(self, kind: str, force: bool) -> Any:
        if force:
            self._functions.pop(kind, None)
        return self._function(kind)

    def _symbolic_axes(self, types: Sequence[TensorType]) -> dict[tuple[int, int], str]:
        """The batch is one symbol; sizes that the model's inputs and outputs leave free are symbols too."""
        batch = types[0].shape[0] if types and types[0].rank else None
        names = {(i, 0): "batch" for i, type in enumerate(types) if type.rank and type.shape[0] == batch}
        try:
            tensors = [*self.inputs, *self.outputs]  # type: ignore[attr-defined]
        except AttributeError:
            return names
        for i, (type, tensor) in enumerate(zip(types, tensors, strict=False)):
            if type.rank == tensor.type.rank:
                names.update({(i, a): f"size_{i}_{a}" for a, d in enumerate(tensor.type.shape) if a and isinstance(d, Dim)})
        return names

    def _prepare(self, batch: Any) -> None:
        """Creates all weights before the first trace, by calling the model on placeholders."""
        from cornu.models.symbolic import call_symbolically

        layers = self._flatten_layers()  # type: ignore[attr-defined]
        if not all(layer.built for layer in layers):
            x, _, _ = unpack_x_y_sample_weight(batch)
            call_symbolically(self, x)

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
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_validation((x, y, sample_weight), validation_split)
        source = make_source(x, y, sample_weight, batch_size, shuffle, class_weight)
        batches = Epochs(source, steps_per_epoch)
        list_of_callbacks = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            verbose=1 if verbose == "auto" else verbose,
            epochs=epochs,
            steps=batches.size,
            model=self,
        )
        self.stop_training = False
        list_of_callbacks.on_train_begin()
        logs: Logs = {}
        for epoch in range(initial_epoch, epochs):
            logs = self._run_epoch(epoch, batches, list_of_callbacks)
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

    def _run_epoch(self, epoch: int, batches: Epochs, callbacks: Any) -> Logs:
        self.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        logs: Logs = {}
        step = 0
        running = iter(batches)
        while group := list(islice(running, self.steps_per_execution)):
            callbacks.on_train_batch_begin(step)
            for batch in group:
                logs = self._step("train", batch)
            logs = _numbers(logs)
            step += len(group)
            callbacks.on_train_batch_end(step - 1, logs)
            if self.stop_training:
                break
        if step == 0:
            raise ValueError("The data are empty: there was not one batch to train on.")
        return dict(logs)

    def _step(self, kind: str, batch: Any) -> Any:
        self._prepare(batch)
        return self._function(kind)(batch)

    def _validate(self, data: Any, batch_size: int | None, steps: int | None, callbacks: Any) -> Logs:
        x, y, weight = unpack_x_y_sample_weight(data) if isinstance(data, (tuple, list)) else (data, None, None)
        logs = self.evaluate(
            x, y, batch_size=batch_size, sample_weight=weight, steps=steps, callbacks=callbacks, return_dict=True,
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
    ) -> Any:
        """The loss and metrics on given data.

        Args:
            x, y, batch_size, sample_weight: As for `fit`.
            verbose: 0 silent, 1 a progress bar, 2 one line; "auto" is 1.
            steps: Batches to take.
            callbacks: Callbacks.
            return_dict: Whether to return a dict by name instead of a list.

        Returns:
            The loss, or a list of the loss and the metrics, or a dict.

        Raises:
            ValueError: If the model is not compiled or the data do not fit.
        """
        self._require_compiled("evaluate")
        batches = Epochs(make_source(x, y, sample_weight, batch_size), steps)
        list_of_callbacks = self._callbacks(callbacks, verbose, batches.size)
        list_of_callbacks.on_test_begin()
        self.reset_metrics()
        logs: Logs = {}
        for step, batch in enumerate(batches):
            list_of_callbacks.on_test_batch_begin(step)
            logs = _numbers(self._step("test", batch))
            list_of_callbacks.on_test_batch_end(step, logs)
        if not logs:
            raise ValueError("The data are empty: there was not one batch to evaluate.")
        list_of_callbacks.on_test_end(logs)
        return logs if return_dict else self._flat(logs)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None, callbacks: Any = None
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
        batches = Epochs(make_source(x, batch_size=batch_size), steps)
        list_of_callbacks = self._callbacks(callbacks, verbose, batches.size)
        list_of_callbacks.on_predict_begin()
        results = []
        for step, (inputs, _, _) in enumerate(batches):
            list_of_callbacks.on_predict_batch_begin(step)
            outputs = tree.map_structure(np.asarray, self._step("predict", (inputs,)))
            results.append(outputs)
            list_of_callbacks.on_predict_batch_end(step, {"outputs": outputs})
        if not results:
            raise ValueError("The data are empty: there was not one batch to predict.")
        list_of_callbacks.on_predict_end()
        return tree.map_structure(lambda *parts: np.concatenate(parts), *results)

    def _callbacks(self, callbacks: Any, verbose: Any, steps: int | None) -> Any:
        from cornu.callbacks import CallbackList

        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(
            callbacks, add_progbar=verbose != 0, verbose=1 if verbose == "auto" else verbose, epochs=1, steps=steps, model=self
        )

    # -- single batches ------------------------------------------------------------------------------------------

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of training on one batch; metrics keep accumulating.

        Returns:
            The loss, or a list of the loss and the metrics, or a dict.
        """
        self._require_compiled("train_on_batch")
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """One step of evaluation on one batch; metrics keep accumulating."""
        self._require_compiled("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        (batch,) = _whole(x, None, None, None)
        return tree.map_structure(np.asarray, self._step("predict", batch[:1]))

    def _on_batch(self, kind: str, x: Any, y: Any, weight: Any, class_weight: Any, return_dict: bool) -> Any:
        (batch,) = _whole(x, y, weight, class_weight)
        logs = _numbers(self._step(kind, batch))
        return logs if return_dict else self._flat(logs)

    def _flat(self, logs: Logs) -> Any:
        """The values of logs: the loss first; a bare number where there is no other."""
        values = list(logs.values())
        return values[0] if len(values) == 1 else values


def _whole(x: Any, y: Any, weight: Any, class_weight: Any) -> Iterable[Any]:
    """All samples as one batch."""
    return list(ArraySource(x, y, weight, 1 << 40, class_weight=class_weight).epoch())


def _numbers(logs: Logs) -> Logs:
    """Logs with Python floats in the place of scalar tensors."""
    return {
        name: float(value) if isinstance(value, (Tensor, np.generic)) and not tuple(value.shape) else value
        for name, value in logs.items()
    }


def _due(epoch: int, frequency: Any) -> bool:
    """Whether to validate after an epoch (counted from 0)."""
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency
