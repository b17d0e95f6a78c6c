"""The tab Sources: its words, its table and its plots."""
