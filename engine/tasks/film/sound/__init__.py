"""A film's sound: narration, music, and the times of the spoken words."""
