"""One spelling for what creditors write in many: the classes are listed at the head of each module."""
