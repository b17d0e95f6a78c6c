"""How far a few annotated tiles reach on real images: the benchmark ``label-efficiency``."""
