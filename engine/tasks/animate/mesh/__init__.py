"""The embedded tier of /animate: warps a portrait's 468-point mesh frame by frame on the CPU."""
