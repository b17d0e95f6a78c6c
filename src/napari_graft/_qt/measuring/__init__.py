"""How responsive the window stays while something is under way: the benchmark ``responsiveness``."""
