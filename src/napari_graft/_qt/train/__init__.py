"""The tab Train: its words, its curves, and what came of a training."""
