"""``python -m switchgear``."""

from switchgear.cli.main import main

main()
