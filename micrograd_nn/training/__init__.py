"""Training: ``fit`` and its history, metrics, callbacks.

Promise: one loop, on the recorded graph or on its compiled Program, with the same numbers. What comes in is checked
before the first step; what went wrong leaves the last good step behind.
"""

from .callbacks import EarlyStopping as EarlyStopping
from .evaluate import evaluate as evaluate
from .evaluate import predict as predict
from .fit import Training as Training
from .fit import fit as fit
from .history import History as History
from .metrics import accuracy as accuracy
from .metrics import confusion_matrix as confusion_matrix
from .metrics import correct as correct
from .metrics import decisions as decisions
