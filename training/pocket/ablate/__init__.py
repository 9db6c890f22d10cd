"""What each change does alone: short runs at 64 px on one GPU, each leaving one change out."""
