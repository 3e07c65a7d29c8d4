"""What labs write: manifests and build contexts, how far they reach, the names and quantities in them."""
