"""How does each distillation of a study stand on every scale at once?"""

from workbench.diagnostics.board.measure import Board as Board
from workbench.diagnostics.board.measure import board as board
from workbench.diagnostics.board.measure import board_of as board_of
