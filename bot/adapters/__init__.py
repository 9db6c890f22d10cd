"""One adapter a platform. `base` holds the only serving loop; a platform's own library has one importer."""
