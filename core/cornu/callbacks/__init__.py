"""Callbacks: what training calls at its turning points."""

from __future__ import annotations

from cornu.callbacks.backup import BackupAndRestore
from cornu.callbacks.callback import Callback
from cornu.callbacks.callback_list import CallbackList
from cornu.callbacks.early_stopping import EarlyStopping
from cornu.callbacks.history import History
from cornu.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from cornu.callbacks.model_checkpoint import ModelCheckpoint
from cornu.callbacks.monitor import MonitorCallback
from cornu.callbacks.profiler import Profiler
from cornu.callbacks.progbar_logger import ProgbarLogger
from cornu.callbacks.remote_monitor import RemoteMonitor
from cornu.callbacks.small import CSVLogger, LambdaCallback, SwapEMAWeights, TerminateOnNaN
from cornu.callbacks.tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "History", "LambdaCallback",
    "LearningRateScheduler", "ModelCheckpoint", "MonitorCallback", "Profiler", "ProgbarLogger",
    "ReduceLROnPlateau", "RemoteMonitor", "SwapEMAWeights", "TensorBoard", "TerminateOnNaN",
]  # fmt: skip
