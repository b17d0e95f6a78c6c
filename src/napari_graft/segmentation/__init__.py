"""From affinities to objects, and back."""
