"""What a text says about itself: its language, its sentences, and its emoji."""
