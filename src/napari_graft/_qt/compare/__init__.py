"""The tab Proofread & compare and its controls."""
