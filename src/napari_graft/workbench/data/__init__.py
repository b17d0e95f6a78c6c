"""The tab Data without its window: the image, what is known of it, and the project on the disk."""
