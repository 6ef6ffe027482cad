"""The service: routes, database sessions and roles, background work, the operator's commands."""
