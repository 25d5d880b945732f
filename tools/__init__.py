"""What only those need who make the package; it is not in the wheel."""
