"""The command line: one function per command, and what prints a table."""
