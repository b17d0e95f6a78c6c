"""What the list of suspicious objects saves a person."""
