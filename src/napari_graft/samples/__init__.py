"""Generated microscopy-like images with truth: for pretraining, the demo and tests.

Nothing here comes from a microscope. Every image is drawn by numpy from a random generator, so that it
carries no licence and its truth is exact. Scores reached on these images say that the software works, not how
well it will do on real tissue.
"""
