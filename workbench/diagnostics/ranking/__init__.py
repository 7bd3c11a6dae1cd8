"""Does our small-scale ranking of methods agree with the published one, more than luck and noise would make it?"""

from workbench.diagnostics.ranking.measure import Ranking as Ranking
from workbench.diagnostics.ranking.measure import ranking as ranking
from workbench.diagnostics.ranking.measure import ranking_of as ranking_of
