"""How often must a teacher's work be shared, or a student asked, before distilling was the cheaper way?"""

from workbench.diagnostics.break_even.measure import BreakEven as BreakEven
from workbench.diagnostics.break_even.measure import break_even as break_even
from workbench.diagnostics.break_even.measure import break_even_of as break_even_of
