"""Networks: neurons and layers, losses, and the optimisers that train them; compositions of the engine's operations."""

from .embedding import Embedding as Embedding
from .layers import MLP as MLP
from .layers import Layer as Layer
from .layers import Maxout as Maxout
from .layers import Neuron as Neuron
from .module import Module as Module
