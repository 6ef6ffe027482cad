"""The command `vroegsein`: one file per group, loaded lazily."""
