"""The tab Proofread & compare without its window: models side by side on one place."""
