"""Which strategy chooses the tiles from which most is learned: the benchmark ``selection``."""
