"""A good plugin, and what can be wrong with it: each bad one differs from the good one in one thing."""
