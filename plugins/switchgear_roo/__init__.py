"""The ``roo`` provider: Roo Code Router."""
