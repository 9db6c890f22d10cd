"""config.toml: its sections, units, validation and error messages."""
