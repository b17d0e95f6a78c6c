"""From an image to the network's probabilities, tile by tile."""
