"""The Starlette application: what clients and operators reach over HTTP."""
