"""The platforms that the settings know of. `bot.adapters.registry` adds how each of them is started."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PlatformNames:
    """What a platform is called in config.toml, in user ids and in the environment."""

    name: str
    """Its section in config.toml, and the prefix of its users' ids, as in "discord:42"."""
    has_chats: bool = True
    """Whether it has servers or groups, where a command can be turned off."""

    @property
    def token_variable(self) -> str:
        """Return the environment variable that holds the platform's token."""
        return f"ATELIER_{self.name.upper()}_TOKEN"


WEB = PlatformNames("web", has_chats=False)
DISCORD = PlatformNames("discord")
TELEGRAM = PlatformNames("telegram")

KNOWN_PLATFORMS = (WEB, DISCORD, TELEGRAM)
"""Every platform, in the order in which `status` lists them. Each has a section of this name in `Settings`."""

TOKENS = {platform.name: platform.token_variable for platform in KNOWN_PLATFORMS}
"""The environment variable of each platform's token, by the platform's name."""

PERSON_PATTERN = rf"^({'|'.join(platform.name for platform in KNOWN_PLATFORMS)}):\S+$"
"""A user, such as "discord:42" or "web:203.0.113.9"."""

CHAT_PATTERN = rf"^({'|'.join(platform.name for platform in KNOWN_PLATFORMS if platform.has_chats)}):-?\d+$"
"""A server or group, such as "telegram:-1001234567890"."""
