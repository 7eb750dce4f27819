"""The ``minimax`` provider: MiniMax."""
