"""Scripts that make the files in the package; they are not part of it."""
