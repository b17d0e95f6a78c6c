"""Benchmarks on labelled images: what the loop reaches, and whether the ranking foretells it."""
