"""Alembic: schema, roles, row-level security policies."""
