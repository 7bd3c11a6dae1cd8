"""Do the maps of an attribution say what the model really uses?"""

from workbench.diagnostics.faithfulness.measure import Faithfulness as Faithfulness
from workbench.diagnostics.faithfulness.measure import faithfulness as faithfulness
from workbench.diagnostics.faithfulness.measure import faithfulness_of as faithfulness_of
