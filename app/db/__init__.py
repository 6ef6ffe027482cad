"""The embedded server, sessions per login, migrations at run time."""
