"""The model weights that Atelier uses: the catalogue, downloads and checksums."""
