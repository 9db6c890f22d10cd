"""Images, GIFs and short videos at two to four times their size."""
