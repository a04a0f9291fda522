"""What a model does with one batch: loss, gradient, update and metrics, compiled into programs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from cornu import ops, tree
from cornu.ir.dim import Dim
from cornu.ir.scope import METRICS
from cornu.ir.types import TensorType
from cornu.tracing.function import Function
from cornu.tracing.gradient import GradientTape
from cornu.tracing.trace import named_scope
from cornu.training.compile_utils import CompileLoss, CompileMetrics
from cornu.training.data import unpack_x_y_sample_weight
from cornu.utils.holding import holding

Logs = dict[str, Any]


class Steps:
    """The part of a model that holds what `compile` set, and the steps on one batch."""

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
        self.stop_evaluating = False
        self.stop_predicting = False
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

        known = (
            "optimizer",
            "loss",
            "loss_weights",
            "metrics",
            "weighted_metrics",
            "run_eagerly",
            "steps_per_execution",
            "jit_compile",
        )
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

    def stateless_compute_loss(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        metrics_variables: Sequence[Any],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """`compute_loss` with given values of the variables, which stay as they are.

        Returns:
            The loss, and the values as they would have become: trainable, non-trainable, metrics'.
        """
        groups = (self.trainable_variables, self.non_trainable_variables, self.metrics_variables)  # type: ignore[attr-defined]
        variables = [variable for group in groups for variable in group]
        values = [*trainable_variables, *non_trainable_variables, *metrics_variables]
        if len(values) != len(variables):
            raise ValueError(
                f"stateless_compute_loss of {self.name}: {len(variables)} values needed, got {len(values)}."
            )
        with holding(variables, values):
            loss = self.compute_loss(x, y, y_pred, sample_weight, training)
            after = tuple([variable.value for variable in group] for group in groups)
        return loss, after

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Logs:
        """Updates the metrics given to `compile` and returns all results."""
        with named_scope(METRICS):
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
            with named_scope(METRICS):
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
                names.update(
                    {(i, a): f"size_{i}_{a}" for a, d in enumerate(tensor.type.shape) if a and isinstance(d, Dim)}
                )
        return names

    def _prepare(self, batch: Any) -> None:
        """Creates all weights before the first trace, by calling the model on placeholders."""
        from cornu.models.symbolic import call_symbolically

        layers = self._flatten_layers()  # type: ignore[attr-defined]
        if not all(layer.built for layer in layers):
            x, _, _ = unpack_x_y_sample_weight(batch)
            call_symbolically(self, x)
