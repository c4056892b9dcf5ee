"""Oracle's REST data services framework (ADF REST): any resource that is declared as a table of fields."""
