"""Match keys, sealing, lawful basis, access log: what keeps people's data from those who have no business with it."""
