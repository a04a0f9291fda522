"""Logs for TensorBoard."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback, Logs
from cornu.callbacks.event_file import EventFile, as_picture


class TensorBoard(Callback):
    """Writes metrics, and weights on demand, for TensorBoard to show: `tensorboard --logdir logs`.

    Nothing but Cornu is needed to write them. Runs are "train" and "validation"; metrics of epochs are called
    "epoch_...", those of batches "batch_...", those of `evaluate` "evaluation_..._vs_iterations".

    Args:
        log_dir: The folder.
        histogram_freq: After every how many epochs histograms of weights are written; 0 for never.
        write_graph: Whether the model's structure is written.
        write_images: Whether weights of one or two axes are drawn along with the histograms.
        write_steps_per_second: Whether the speed is written.
        update_freq: "epoch"; "batch"; or a number: after every how many batches metrics are written, too.
        profile_batch: Must be 0: there is no profiler.
        embeddings_freq: After every how many epochs embeddings are written for the projector; 0 for never.
        embeddings_metadata: The file with an embedding's labels, one a line; or such files by name of the layer.

    Raises:
        ValueError: If an argument is not as described, or labels are given for a layer that is no embedding.

    Example:
        >>> TensorBoard("logs", update_freq="batch").update_freq
        1
    """

    # Most steps are not written: their metrics need not be read from the device.
    takes_tensors = True

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        if profile_batch:
            raise ValueError(f"TensorBoard: there is no profiler; `profile_batch` must be 0, got {profile_batch!r}.")
        if update_freq not in ("epoch", "batch") and not (isinstance(update_freq, int) and update_freq > 0):
            raise ValueError(f"TensorBoard: `update_freq` must be 'epoch', 'batch' or a number, got {update_freq!r}.")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._files: dict[str, EventFile] = {}
        self._batches = 0
        self._epoch_start = (0.0, 0)
        self._batch_start = 0.0

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self.write_graph:
            self._write_structure(model)
        if self.embeddings_freq:
            self._configure_projector()

    def _write_structure(self, model: Any) -> None:
        from cornu.models import Functional, Sequential

        if not isinstance(model, (Functional, Sequential)):
            return
        try:
            text = model.to_json()
        except (TypeError, ValueError):
            return  # a layer that has no config: there is nothing to draw
        self._file("train").text("keras", text, "graph_keras_model", step=0)

    def _file(self, run: str) -> EventFile:
        """The run's file, made when it is first needed."""
        if run not in self._files:
            self._files[run] = EventFile(Path(self.log_dir) / run)
        return self._files[run]

    # -- training ------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs = None) -> None:
        self._batches = 0

    def on_train_end(self, logs: Logs = None) -> None:
        for file in self._files.values():
            file.flush()
        self._files = {}

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._batch_start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._batches += 1
        if self.update_freq == "epoch" or self._batches % int(self.update_freq):
            return
        for name, value in (logs or {}).items():
            self._file("train").scalar(f"batch_{name}", _number(value), self._batches)
        if self.write_steps_per_second:
            pace = 1 / max(time.perf_counter() - self._batch_start, 1e-9)
            self._file("train").scalar("batch_steps_per_second", pace, self._batches)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch_start = (time.perf_counter(), self._iterations())

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = dict(logs or {})
        validation = {name: logs.pop(name) for name in list(logs) if name.startswith("val_")}
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        for inner in getattr(optimizer, "optimizers", ()):
            logs[f"learning_rate_{inner.name}"] = inner.learning_rate
        if hasattr(optimizer, "learning_rate"):
            logs["learning_rate"] = optimizer.learning_rate
        if self.write_steps_per_second:
            start, before = self._epoch_start
            logs["steps_per_second"] = (self._iterations() - before) / max(time.perf_counter() - start, 1e-9)
        for name, value in logs.items():
            self._file("train").scalar(f"epoch_{name}", _number(value), epoch)
        for name, value in validation.items():
            self._file("validation").scalar(f"epoch_{name.removeprefix('val_')}", _number(value), epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        for file in self._files.values():
            file.flush()

    def _iterations(self) -> int:
        optimizer = self.model.optimizer
        return int(np.asarray(optimizer.iterations)) if optimizer is not None and optimizer.built else 0

    def on_test_end(self, logs: Logs = None) -> None:
        for name, value in (logs or {}).items():
            self._file("validation").scalar(f"evaluation_{name}_vs_iterations", _number(value), self._iterations())
        if "validation" in self._files:
            self._files["validation"].flush()

    def _write_weights(self, epoch: int) -> None:
        for weight in self.model.weights:
            values = weight.numpy()
            self._file("train").histogram(f"{weight.path}/histogram", values, epoch)
            picture = as_picture(values) if self.write_images else None
            if picture is not None:
                self._file("train").image(f"{weight.path}/image", picture, epoch)

    # -- the projector -------------------------------------------------------------------------------------------

    def _embeddings(self) -> list[Any]:
        from cornu.layers import Embedding

        return [layer for layer in self.model._flatten_layers() if isinstance(layer, Embedding)]

    def _configure_projector(self) -> None:
        labels = self.embeddings_metadata
        by_name = dict(labels) if isinstance(labels, Mapping) else {}
        lines = []
        for layer in self._embeddings():
            file = by_name.pop(layer.name, None) if not isinstance(labels, str) else labels
            lines += ["embeddings {", f'  tensor_name: "{layer.name}"', f'  tensor_path: "{layer.name}.tsv"']
            lines += [f'  metadata_path: "{file}"'] if file else []
            lines.append("}")
        if by_name:
            names = [layer.name for layer in self._embeddings()]
            raise ValueError(f"TensorBoard: `embeddings_metadata` names {list(by_name)}; the embeddings are {names}.")
        Path(self.log_dir).mkdir(parents=True, exist_ok=True)
        (Path(self.log_dir) / "projector_config.pbtxt").write_text("\n".join([*lines, ""]))

    def _write_embeddings(self) -> None:
        for layer in self._embeddings():
            path = Path(self.log_dir) / f"{layer.name}.tsv"
            np.savetxt(path, np.asarray(layer.embeddings.numpy(), np.float32), fmt="%.6g", delimiter="\t")


def _number(value: Any) -> float:
    return float(np.mean(np.asarray(value, dtype=np.float64)))
