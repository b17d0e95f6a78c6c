"""The tab Data: its words and its widgets."""
