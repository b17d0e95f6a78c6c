"""Pretrained models to start from: their cards, weights and fingerprints, and where they are found."""
