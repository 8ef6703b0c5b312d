"""Storage: networks and trainings in files, and exchange with PyTorch."""

from .checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from .exchange import from_torch, to_torch
from .networks import from_bytes, load, load_into, save, to_bytes

__all__ = [
    "Checkpoint", "load_checkpoint", "save_checkpoint", "from_torch", "to_torch", "from_bytes", "load", "load_into",
    "save", "to_bytes",
]  # fmt: skip
