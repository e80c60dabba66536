"""DataFrame → DataFrame: no session, no path, no clock, no config object."""
