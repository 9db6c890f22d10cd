"""The embedded tier of /animate: a portrait's 468-point mesh, moved and painted frame by frame on the CPU."""
