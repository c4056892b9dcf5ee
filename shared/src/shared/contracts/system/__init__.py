"""System APIs: one capability each, whichever vendor fills it."""
