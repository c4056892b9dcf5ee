"""`python -m shared.host` is the `triptych` command."""

from shared.host.cli import main

main()
