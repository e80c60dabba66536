"""The only code that reads or writes: session, Delta tables, sources, the run record and the warehouse lock."""
