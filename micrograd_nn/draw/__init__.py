"""Pictures: the computation graph, the network, the walk through the backward pass, and plots of training.

Promise: this floor looks at graphs and never changes one.
"""

from ._walk import Walk as Walk
from ._walk import walk as walk
from ._widget import explore as explore
from .dot import draw_dot as draw_dot
from .dot import trace as trace
from .drawing import Drawing as Drawing
from .network import draw_network as draw_network
