"""Detect faces, read their landmarks, align them and recognise people, for every task that needs it."""
