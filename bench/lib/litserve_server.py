"""The peer's side of bench/echo.py: a LitServe server with the same no-op."""

import sys
from typing import Any

import litserve


class Echo(litserve.LitAPI):  # type: ignore[misc]  # published without annotations
    def setup(self, device: str) -> None:
        """Nothing to load."""

    def predict(self, request: dict[str, Any]) -> dict[str, Any]:
        return request


if __name__ == "__main__":
    litserve.LitServer(Echo(), accelerator="cpu").run(
        port=int(sys.argv[1]), log_level="error", generate_client_file=False
    )
