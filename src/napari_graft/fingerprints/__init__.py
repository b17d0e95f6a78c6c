"""How far a user's images are from a source's training images, and which source to start from."""
