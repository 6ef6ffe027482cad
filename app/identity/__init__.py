"""Who calls: organisations prove themselves with signed assertions and get short-lived access tokens (OAuth 2)."""
