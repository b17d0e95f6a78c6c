"""Ways of bridging a source to another modality, one family a file."""
