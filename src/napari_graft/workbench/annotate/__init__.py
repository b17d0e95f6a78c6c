"""The tab Annotate without its window: the tiles to go through, and the one that is open."""
