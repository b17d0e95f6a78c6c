"""The tab Annotate and its list of tiles."""
