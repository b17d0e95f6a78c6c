"""The proofreading of a result without its window: its tools, and what to look at."""
