"""What a bridge learns by, one loss a file."""
