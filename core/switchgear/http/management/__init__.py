"""The management API, ``/v0/``: the accounts, and signing in, for the operator's own tools and pages."""

from __future__ import annotations

from switchgear.http.management.route import ManagementRoute

__all__ = ["ManagementRoute"]
