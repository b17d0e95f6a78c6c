"""What takes long: one job a file, asked for and answered by one typed model each, wherever it runs."""
