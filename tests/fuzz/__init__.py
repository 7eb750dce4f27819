"""Fuzz targets: each a loop of random damage that runs for as long as it is told to, and a seed that repeats it."""
