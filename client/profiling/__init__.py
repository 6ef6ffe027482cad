"""A mapping profile proposed for an export that nobody has described yet."""
