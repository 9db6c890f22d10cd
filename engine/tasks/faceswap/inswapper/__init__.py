"""The full tier: InsightFace's faces and inswapper_128."""
