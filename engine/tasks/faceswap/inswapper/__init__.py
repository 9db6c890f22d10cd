"""The full tier: InsightFace's networks and inswapper_128."""
