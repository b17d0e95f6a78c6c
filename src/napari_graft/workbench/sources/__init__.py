"""The tab Sources without its window: the table of sources, their previews, and their trial."""
