"""The ``cursor`` provider: Cursor's agent service, which its own command line and SDK speak to.

It publishes no chat API: the protocol is private and changes without notice. What is known of it comes from the
descriptor inside the vendor's SDK 1.0.31, its documents, published captures of the wire, and the public clients that
the rooms name; all read 2026-11. Whose terms apply is the operator's to know: they are printed at sign-in.
"""
