"""What moves a portrait: the sound heard as a mouth hears it, and the curves that follow from it."""
