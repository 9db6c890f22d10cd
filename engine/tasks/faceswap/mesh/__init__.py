"""The embedded tier: warps a face's texture over MediaPipe's mesh of 468 points."""
