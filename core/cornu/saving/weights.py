"""Weights without the model: `.weights.h5`, and the weights of `.keras` and legacy `.h5` files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cornu.saving.archive import ArchiveReader
from cornu.saving.atomic import atomic_file
from cornu.saving.hdf5 import H5Reader, written_to
from cornu.saving.keras_format import WEIGHTS
from cornu.saving.legacy_weights import read_weights, read_weights_by_name
from cornu.saving.state import StateReader, StateWriter

PathLike = str | os.PathLike[str]


def save_weights(
    model: Any, filepath: PathLike, overwrite: bool = True, objects_to_skip: Iterable[Any] | None = None
) -> None:
    """Saves the state of a model and its parts (weights, optimizer) without its config.

    Args:
        model: A built model or layer.
        filepath: A path that ends in `.weights.h5`.
        overwrite: Whether an existing file is replaced.
        objects_to_skip: Parts to leave out.

    Raises:
        ValueError: If the ending is another, or the model is not built.
        FileExistsError: If the file exists and `overwrite` is off.
    """
    path = Path(filepath)
    if not path.name.endswith(".weights.h5"):
        raise ValueError(f"The filename must end in `.weights.h5`. Received: filepath={filepath}")
    _must_be_built(model, "save")
    check_overwrite(path, overwrite)
    with atomic_file(path) as file, written_to(file) as variables:
        StateWriter(variables, skip=objects_to_skip or ()).write(model)


def load_weights(
    model: Any,
    filepath: PathLike,
    skip_mismatch: bool = False,
    by_name: bool = False,
    objects_to_skip: Iterable[Any] | None = None,
) -> None:
    """Reads weights into a model of the same structure.

    Args:
        model: A built model.
        filepath: A `.weights.h5`, `.keras` or legacy `.h5` / `.hdf5` file.
        skip_mismatch: Whether layers whose weights do not fit are left as they are, with a warning.
        by_name: Whether layers are matched by name instead of order (legacy `.h5` only).
        objects_to_skip: Parts to leave as they are (`.weights.h5` only).

    Raises:
        ValueError: If something does not fit, naming the layer, the variable and both shapes.
    """
    path = Path(filepath)
    name = path.name
    kind = next((end for end in (".weights.h5", ".keras", ".h5", ".hdf5") if name.endswith(end)), None)
    if kind is None:
        raise ValueError(
            f"File format not supported: filepath={filepath}. Expected `.weights.h5`, `.keras`, `.h5` or `.hdf5`."
        )
    if by_name and kind not in (".h5", ".hdf5"):
        raise ValueError(f"`by_name` only supports legacy `.h5` or `.hdf5` files. Received: filepath={filepath}")
    if objects_to_skip is not None and kind != ".weights.h5":
        raise ValueError(f"`objects_to_skip` only supports `.weights.h5` files. Received: filepath={filepath}")
    _must_be_built(model, "load")
    if kind == ".keras":
        with ArchiveReader(path) as archive, archive.open(WEIGHTS) as weights, H5Reader(weights) as variables:
            variables.name = f"{path}/{WEIGHTS}"
            _read(model, variables, (), skip_mismatch)
        return
    with H5Reader(path) as variables:
        if kind == ".weights.h5" and not _is_legacy(variables):
            _read(model, variables, objects_to_skip or (), skip_mismatch)
        else:
            (read_weights_by_name if by_name else read_weights)(
                variables, _legacy_group(variables), model, skip_mismatch
            )


def _read(model: Any, variables: H5Reader, skip: Iterable[Any], skip_mismatch: bool) -> None:
    reader = StateReader(variables, skip=skip)
    reader.read(model)
    reader.report(warn_only=skip_mismatch)


def _is_legacy(variables: H5Reader) -> bool:
    """Keras 2 wrote its own layout under any name that ends in `.h5`."""
    return "layer_names" in variables.root.attrs or "layer_names0" in variables.root.attrs


def _legacy_group(variables: H5Reader) -> Any:
    weights = variables.group("model_weights")
    return variables.root if weights is None or _is_legacy(variables) else weights


def _must_be_built(model: Any, what: str) -> None:
    if not model.built:
        raise ValueError(
            f"Cannot {what} the weights of '{model.name}': it has not yet been built. "
            "Call it on some data, or call `build()`, first."
        )


def check_overwrite(path: Path, overwrite: bool) -> None:
    """Refuses to replace an existing file unless that was allowed.

    Raises:
        FileExistsError: If it exists and `overwrite` is off.
    """
    if not overwrite and path.exists():
        raise FileExistsError(f"{path} exists; pass `overwrite=True` to replace it.")
