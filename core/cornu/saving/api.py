"""Saving and loading whole models: the format follows from the file's ending."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from cornu.saving.keras_format import CONFIG, load_archive, load_folder, save_archive, save_folder, write_archive
from cornu.saving.legacy_h5 import load_h5, save_h5
from cornu.saving.weights import check_overwrite

_H5 = (".h5", ".hdf5")


def save_model(
    model: Any,
    filepath: str | os.PathLike[str] | IO[bytes],
    overwrite: bool = True,
    zipped: bool | None = None,
    include_optimizer: bool = True,
) -> None:
    """Saves a model with its config, weights and optimizer, in a format that Keras 3 reads.

    The file is complete or, if anything fails, as it was before.

    Args:
        model: The model.
        filepath: A path that ends in `.keras`, `.h5` or `.hdf5`; a folder with `zipped=False`; or an open binary file,
            which receives the `.keras` format.
        overwrite: Whether an existing file is replaced.
        zipped: Whether the `.keras` format is one file (the default) or a folder.
        include_optimizer: Whether the optimizer is saved; it can be left out of `.h5` only.

    Raises:
        ValueError: If the ending does not say a format, or does not fit `zipped` or `include_optimizer`.
        FileExistsError: If the file exists and `overwrite` is off.

    Example:
        >>> import cornu, tempfile
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
        >>> path = tempfile.mkdtemp() + "/model.keras"
        >>> save_model(model, path)
        >>> load_model(path).count_params()
        3
    """
    if not isinstance(filepath, (str, os.PathLike)):
        _only_h5(include_optimizer, "an open file")
        write_archive(model, filepath)
        return
    path = Path(filepath)
    ending = path.suffix
    if zipped is False:
        if ending == ".keras":
            raise ValueError(f"With `zipped=False` the path names a folder and must not end in `.keras`: {filepath}")
        _only_h5(include_optimizer, filepath)
        check_overwrite(path, overwrite)
        save_folder(model, path)
        return
    if ending not in (".keras", *_H5):
        raise ValueError(
            f"Invalid filepath extension for saving: {filepath}. Use `.keras` (recommended) or `.h5`; "
            "`model.export(path)` writes a file for inference elsewhere."
        )
    check_overwrite(path, overwrite)
    if ending == ".keras":
        _only_h5(include_optimizer, filepath)
        save_archive(model, path)
    else:
        save_h5(model, path, include_optimizer)


def _only_h5(include_optimizer: bool, filepath: Any) -> None:
    if not include_optimizer:
        raise ValueError(f"`include_optimizer=False` is for `.h5` files only. Received: filepath={filepath}")


def load_model(
    filepath: str | os.PathLike[str] | IO[bytes],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Reads a model that Cornu, Keras 3 or (for `.h5`) Keras 2 saved.

    Args:
        filepath: A `.keras`, `.h5` or `.hdf5` file, a folder written with `zipped=False`, or an open `.keras` file.
        custom_objects: Classes and functions of yours that it names.
        compile: Whether the model is compiled as it was, with the optimizer's state.
        safe_mode: Whether to refuse code that is stored in the file (lambdas).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, unsafe, of another format, or does not fit its config.
        TypeError: If it names an unknown class or function.
    """
    if not isinstance(filepath, (str, os.PathLike)):
        return load_archive(filepath, custom_objects, compile, safe_mode)
    path = Path(filepath)
    if path.is_dir():
        if not (path / CONFIG).is_file():
            raise ValueError(f"{path} is a folder without {CONFIG}: no model saved with `zipped=False`.")
        return load_folder(path, custom_objects, compile, safe_mode)
    if not path.exists():
        raise FileNotFoundError(f"File not found: filepath={filepath}. Please ensure it is an accessible file.")
    if path.suffix == ".keras":
        return load_archive(path, custom_objects, compile, safe_mode)
    if path.suffix in _H5:
        return load_h5(path, custom_objects, compile, safe_mode)
    raise ValueError(f"File format not supported: filepath={filepath}. Expected `.keras`, `.h5` or `.hdf5`.")
