"""Computer vision that several tasks use: faces and depth."""
