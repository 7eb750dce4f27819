"""Roo Code Router, the model proxy of Roo Code Cloud. The service ended on 2026-05-15.

What is left is the protocol: any host that still speaks it can be named under ``endpoints``. An account is a person in
one organisation, or on their own: each has credit of its own.

Three ways in. ``cli``: the app sends a token of 90 days to a loopback address. ``clerk``: a one-use ticket becomes a
Clerk session, of which a token of one minute is minted when a request needs it. ``static``: a key that is pasted, or
written in the configuration.

Sources, read 2026-11: the code of RooCodeInc/Roo-Code as archived on 2026-05-15 (last change 2026-04-14); issue 770 of
breaking-brake/cc-wf-studio for what the router answered after its end.
"""
