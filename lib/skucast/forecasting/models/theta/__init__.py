"""The theta method and its seasonal growth."""
