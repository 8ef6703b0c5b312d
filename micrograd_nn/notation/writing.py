"""The former names of what stands in text.py and latex.py; nobody uses them any more."""

from .latex import IN_TEXT as IN_TEXT
from .latex import LATEX as LATEX
from .latex import label_latex as label_latex
from .latex import number_as_latex as number_as_latex
from .latex import number_latex as number_latex
from .text import ATOM as ATOM
from .text import POWER as POWER
from .text import PRODUCT as PRODUCT
from .text import TEXT as TEXT
from .text import Written as Written
from .text import equation as equation
from .text import label_text as label_text
from .text import number_text as number_text
from .text import write as write
from .text import written_leaf as written_leaf
from .text import written_operation as written_operation

MARK = "\0"
