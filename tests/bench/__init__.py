"""The gateway beside the shortest pass-through on the same server and HTTP client, in one run: ``make bench``."""
