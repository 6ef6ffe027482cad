"""Reports, linking, rule sets and signals: the domain, free of HTTP and of the clock."""
