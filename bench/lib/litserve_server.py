"""Run the peer of bench/echo.py: a LitServe server with the same echo."""

import sys
from typing import Any

import litserve


class Echo(litserve.LitAPI):  # type: ignore[misc]  # published without annotations
    """LitServe's service."""

    def setup(self, device: str) -> None:
        """Load nothing."""

    def predict(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the request."""
        return request


if __name__ == "__main__":
    litserve.LitServer(Echo(), accelerator="cpu").run(
        port=int(sys.argv[1]), log_level="error", generate_client_file=False
    )
