"""Backends, the ways to do a task, and the one rule that chooses among them.

A task lists its backends, best first. `models.TASK` in config.toml is "auto", a backend's name, or a folder or hub
repository with other weights. "auto" takes the first backend that can run here; the last one always can.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from engine.core.errors import MissingModel, UserMessage
from engine.core.protocol import Capability, NamedChoice
from engine.core.settings import WorkerSettings
from engine.weights import model_index, registry

AUTO = "auto"

CONFIGURED = UserMessage(template="Chosen in config.toml.")


@dataclass(frozen=True)
class Support:
    """What a backend supports of its task: the options that it cannot honour, the most jobs in one run, and the names
    that some options take, by option.
    """

    unsupported: tuple[str, ...] = ()
    max_batch: int = 1
    choices: Mapping[str, dict[str, NamedChoice]] = field(default_factory=dict)


def _supports_everything(_: WorkerSettings) -> Support:
    return Support()


@dataclass(frozen=True)
class Backend:
    """One way to do a task."""

    name: str
    """As results and /status show it."""
    title: str
    """The product's name, for messages: "LivePortrait"."""
    tier: Literal["full", "embedded"]
    identity: Callable[[WorkerSettings], str]
    """Returns the identity of the weights, a part of the cache key. Reads no weights."""
    load: Callable[[WorkerSettings], Any]
    """Loads the model for the pool. Raises MissingModel."""
    aliases: tuple[str, ...] = ()
    """What else selects it in config.toml, beside `name`."""
    families: tuple[str, ...] = ()
    """Values of `_class_name` in a checkpoint's model_index.json that it can load; empty where no family is checked."""
    requirements: tuple[str, ...] = ()
    """Python modules that have to be installed."""
    weights: tuple[str, ...] = ()
    """Entries of the weights catalogue."""
    needs_gpu: bool = False
    noncommercial: bool = False
    """Whether its weights are licensed for non-commercial research only."""
    has_weights: Callable[[WorkerSettings], bool] | None = None
    """Returns whether its weights are on disk, where the catalogue cannot tell."""
    support: Callable[[WorkerSettings], Support] = _supports_everything

    def is_named(self, configured: str) -> bool:
        """Return whether `configured`, from config.toml, is a name of this backend."""
        return configured == self.name or configured in self.aliases

    def obstacle(self, settings: WorkerSettings) -> UserMessage | None:
        """Return why "auto" cannot use this backend here, or None if it can."""
        facts: dict[str, str | int | float] = {"name": self.title}
        if self.needs_gpu and not settings.device.startswith("cuda"):
            return UserMessage(template="{name} needs an NVIDIA GPU, and none was found.", facts=facts)
        if any(find_spec(module) is None for module in self.requirements):
            return UserMessage(template="{name} needs the full install. Run scripts/setup --full.", facts=facts)
        if self.noncommercial and not settings.noncommercial:
            return UserMessage(
                template="The weights of {name} are for non-commercial research only. To use them, set"
                " models.accept_noncommercial_weights = true in config.toml.",
                facts=facts,
            )
        return None if self._weights_are_here(settings) else self._missing_weights()

    def _weights_are_here(self, settings: WorkerSettings) -> bool:
        if self.has_weights:
            return self.has_weights(settings)
        return all(registry.find_weight(name).is_complete(settings.weights) for name in self.weights)

    def _missing_weights(self) -> UserMessage:
        accept = ("--accept-noncommercial-weights",) if self.noncommercial else ()
        return UserMessage(
            template="The weights of {name} are missing. Run python -m engine weights --fetch {arguments}, then restart"
            " Atelier.",
            facts={"name": self.title, "arguments": " ".join((*self.weights, *accept))},
        )

    def configured_reason(self) -> UserMessage:
        """Return the reason to show when config.toml selects this backend."""
        if not self.noncommercial:
            return CONFIGURED
        template = "Chosen in config.toml. The weights of {name} are for non-commercial research only."
        return UserMessage(template=template, facts={"name": self.title})

    def automatic_reason(self) -> UserMessage:
        """Return the reason to show when "auto" selects this backend as the best one."""
        facts: dict[str, str | int | float] = {"name": self.title}
        if self.noncommercial:
            template = "{name} is installed. Its weights are for non-commercial research only."
            return UserMessage(template=template, facts=facts)
        return UserMessage(template="{name} is installed.", facts=facts)


@dataclass(frozen=True)
class Backends:
    """The backends of one task, best first. The last one needs nothing that may be missing.

    `setting` is the key under `models` in config.toml; it is the task's name where it is left out.
    """

    task: str
    version: int
    backends: tuple[Backend, ...]
    setting: str = ""

    def choose(self, settings: WorkerSettings) -> Capability:
        """Return the capability of the backend that `select` takes."""
        backend, reason = self.select(settings)
        support = backend.support(settings)
        return Capability(
            task=self.task,
            version=self.version,
            backend=backend.name,
            tier=backend.tier,
            model=backend.identity(settings),
            why=reason,
            refuses=support.unsupported,
            together=support.max_batch,
            offers=dict(support.choices),
        )

    def load(self, settings: WorkerSettings) -> Any:
        """Load the model of the backend that `select` takes.

        Raises MissingModel where the weights cannot be had, or belong to a family that no backend can load.
        """
        self._check_family(settings)
        return self.select(settings)[0].load(settings)

    def select(self, settings: WorkerSettings) -> tuple[Backend, UserMessage]:
        """Return the backend to use here and the reason for it.

        A full backend that config.toml names is used even where its weights are missing, so that loading it says what
        is wrong. An embedded one gives way to those after it in the list.
        """
        configured = self._read_setting(settings)
        if configured == AUTO:
            return self._first_usable(settings, self.backends, self.backends[0].automatic_reason())
        for place, backend in enumerate(self.backends):
            if not backend.is_named(configured):
                continue
            if backend.tier == "full":
                return backend, backend.configured_reason()
            return self._first_usable(settings, self.backends[place:], CONFIGURED)
        backend = self._for_source(configured, settings)
        return backend, backend.configured_reason()

    def _first_usable(
        self, settings: WorkerSettings, backends: tuple[Backend, ...], reason: UserMessage
    ) -> tuple[Backend, UserMessage]:
        for backend in backends[:-1]:
            obstacle = backend.obstacle(settings)
            if obstacle is None:
                return backend, reason
            reason = obstacle
        return backends[-1], reason

    def _read_setting(self, settings: WorkerSettings) -> str:
        return settings.models.get(self.setting or self.task, AUTO)

    def _for_source(self, source: str, settings: WorkerSettings) -> Backend:
        """Return the backend for a folder or hub repository: the one of its family, else the first."""
        if not any(backend.families for backend in self.backends):
            return self.backends[0]
        return self._of_family(model_index.cached_family(source, settings.weights)) or self.backends[0]

    def _of_family(self, family: str) -> Backend | None:
        return next((backend for backend in self.backends if family in backend.families), None)

    def _check_family(self, settings: WorkerSettings) -> None:
        """Raise MissingModel for a folder or repository whose family no backend can load."""
        configured, supported = (
            self._read_setting(settings),
            [backend.title for backend in self.backends if backend.families],
        )
        if not supported or configured == AUTO or any(backend.is_named(configured) for backend in self.backends):
            return
        family = model_index.fetch_family(configured, settings.weights)
        if family and self._of_family(family) is None:
            raise MissingModel(
                "{name} cannot be used: it is a {family}, and only {supported} is supported. Choose another"
                " model in config.toml.",
                name=Path(configured).name if Path(configured).expanduser().is_dir() else configured,
                family=family,
                supported=", ".join(supported),
            )
