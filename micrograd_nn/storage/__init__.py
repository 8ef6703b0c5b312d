"""Storage: networks and trainings in files, and exchange with PyTorch."""

from .checkpoints import Checkpoint as Checkpoint
from .checkpoints import load_checkpoint as load_checkpoint
from .checkpoints import save_checkpoint as save_checkpoint
from .exchange import from_torch as from_torch
from .exchange import to_torch as to_torch
from .networks import from_bytes as from_bytes
from .networks import load as load
from .networks import load_into as load_into
from .networks import save as save
from .networks import to_bytes as to_bytes
