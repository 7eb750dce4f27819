"""The ``switchgear`` command, one file for each group."""
