"""Validation rules: formulas of a small, honest subset, and the check that every save passes.

There are comparisons, arithmetic, `&`, `&&`, `||`, `!` and the functions in `functions`; what a formula names beyond
them is refused when the rule is saved, never ignored when it runs.
"""

from sandboxes.salesforce.formulas.parser import FormulaError, compile_formula
from sandboxes.salesforce.formulas.validations import Validations

__all__ = ["FormulaError", "Validations", "compile_formula"]
