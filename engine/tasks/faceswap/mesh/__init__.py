"""The embedded tier: a face's texture warped over MediaPipe's mesh of 468 points."""
