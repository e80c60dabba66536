"""What series of a class share: errors of methods, dispersions, evidence."""
