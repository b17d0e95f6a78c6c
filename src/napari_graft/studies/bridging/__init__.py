"""What a bridge to another modality is worth."""
