"""The faults of real microscopes, by where they arise: to train against them and measure what they cost."""
