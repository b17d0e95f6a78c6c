"""A project on disk: what is known of the image, the annotations, the suggestions and the runs."""
