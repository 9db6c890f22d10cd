"""The sound of a film: narration, music, and the times of the spoken words."""
