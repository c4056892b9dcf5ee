"""Any resource of a Fusion pod, behind the `OracleFusion` contract."""
