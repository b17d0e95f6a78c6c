"""What keeps the layers of a viewer in step with the models."""
