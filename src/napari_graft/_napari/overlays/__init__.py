"""What is drawn over the image: boxes of tiles, the circle of an object's size, the part in view."""
