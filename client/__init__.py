"""What creditors and desks run: reading files, pushing, pulling, key files. No database, no server code."""
