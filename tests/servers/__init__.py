"""Loopback servers that stand in for Discord and Telegram in tests."""
