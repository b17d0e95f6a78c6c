"""What leaves the program: one kind of export a file, all of them in `EXPORT_FORMATS`."""
