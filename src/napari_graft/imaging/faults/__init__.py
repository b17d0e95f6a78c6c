"""The faults of real microscopes, one a file: to train against them, and to measure what they cost."""
