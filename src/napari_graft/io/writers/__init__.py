"""What is written to disk, where it may be, and how it is finished: results, copies of images."""
