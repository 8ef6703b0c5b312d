"""Pictures: the computation graph, the network, the walk through the backward pass, and plots of training.

Whatever is drawn here looks at graphs and networks and changes none; only ``explore`` does, as a person moves leaves.
"""

from ._walk import Walk as Walk
from ._walk import walk as walk
from ._widget import explore as explore
from .dot import draw_dot as draw_dot
from .dot import trace as trace
from .drawing import Drawing as Drawing
from .network import draw_network as draw_network
from .render import use_renderer as use_renderer
