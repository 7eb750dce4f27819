"""Clients and a server that nobody here wrote, through a whole gateway. Opt-in: ``make test-clients``."""
