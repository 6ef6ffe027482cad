"""The fault soak: real processes and real signals; whatever broke meanwhile, the end is the undisturbed run's."""
