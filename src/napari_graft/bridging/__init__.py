"""A source for another modality: pairs, translator, student (TGMB and TGKT), and whether pairs will help."""
