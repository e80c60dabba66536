"""What every stage of one command shares."""
