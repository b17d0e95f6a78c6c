"""Which parts of the recipe for few labels pay: the benchmark ``recipes``."""
