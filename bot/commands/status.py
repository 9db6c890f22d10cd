"""/status: show the services, platforms, devices and versions, and why each is on or off."""

import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

from bot.core.command import Reply
from bot.core.report_models import ServicesReport, SystemReport
from bot.core.route import Report
from bot.i18n.format import format_bytes
from bot.requests.call import Call, command
from engine.core.errors import UserMessage
from engine.core.params import TaskParams
from engine.core.protocol import Capability, OptionalModel
from engine.host.engine import EngineState
from storage.store import Rate

PROJECT = Path(__file__).parents[2] / "pyproject.toml"

MODE_WARNINGS = {
    "paused": "The queue is paused: jobs wait and none starts.",
    "draining": "The queue is draining: no new jobs are accepted.",
}
NO_WORKER = UserMessage(template="No worker can do this.")


class Params(TaskParams):
    """This command has no options."""


class Workers(Protocol):
    """The part of the engine that knows its workers."""

    def state(self) -> EngineState:
        """Return a snapshot of workers and queues."""


class SystemStatus(Protocol):
    """What /status needs."""

    @property
    def engine(self) -> Workers:
        """Return the workers."""

    @property
    def rates(self) -> Mapping[str, Rate | None]:
        """Return the limited commands, which are those that need the engine."""

    @property
    def adapters(self) -> Mapping[str, UserMessage]:
        """Return the state of each platform."""

    @property
    def started(self) -> float:
        """Return the time of the start, in seconds since the epoch."""


@command(
    "Show the system's status",
    reports=(
        Report(
            "/api/services/status",
            ServicesReport,
            lambda facts: {"services": facts["services"], "adapters": facts["adapters"]},
        ),
        Report("/api/system/info", SystemReport, itemgetter("system")),
    ),
)
async def status(call: Call[SystemStatus], params: Params) -> Reply:  # noqa: ARG001  # no options
    """Reply with the state of every part of the system."""
    state = call.studio.engine.state()
    facts = {
        "services": _describe_services(call, state),
        "adapters": _describe_adapters(call),
        "system": _describe_system(call, state),
    }
    sections = (
        _format_headline(call, facts["system"]),
        _add_title(call.translate("Services"), _format_services(call, facts["services"])),
        _add_title(call.translate("Platforms"), _format_adapters(call)),
        _add_title(call.translate("Devices"), _format_devices(call, facts["system"])),
        _add_title(
            call.translate("Versions"), [" · ".join(f"{name} {n}" for name, n in facts["system"]["versions"].items())]
        ),
    )
    return Reply("\n\n".join(sections), facts=facts)


def _describe_services(call: Call[SystemStatus], state: EngineState) -> dict[str, Any]:
    """Return, for each command that needs the engine, the first worker's capability for it, or why there is none."""
    capabilities = {service.task: service for worker in reversed(state.workers) for service in worker.services}
    absent = next((worker.why for worker in state.workers if worker.why), NO_WORKER)
    return {name: _describe_service(call, capabilities.get(name), absent) for name in call.studio.rates}


def _describe_service(call: Call[SystemStatus], service: Capability | None, absent: UserMessage) -> dict[str, Any]:
    if service is None:
        empty = dict.fromkeys(("tier", "backend", "model"))
        return {"available": False, **empty, "why": call.translate_message(absent), "extras": {}}
    details = {"tier": service.tier, "backend": service.backend, "model": service.model}
    extras = {name: _describe_extra(call, extra) for name, extra in service.extras.items()}
    return {"available": True, **details, "why": call.translate_message(service.why), "extras": extras}


def _describe_extra(call: Call[SystemStatus], extra: OptionalModel) -> dict[str, Any]:
    return {"available": bool(extra.model), "model": extra.model or None, "why": call.translate_message(extra.why)}


def _describe_adapters(call: Call[SystemStatus]) -> dict[str, str]:
    return {name: call.translate_message(state) for name, state in call.studio.adapters.items()}


def _describe_system(call: Call[SystemStatus], state: EngineState) -> dict[str, Any]:
    versions = {"atelier": _read_version()}
    for worker in state.workers:
        versions |= worker.versions
    return {
        "uptime": time.time() - call.studio.started,
        "queue": {
            "running": sum(len(worker.running) for worker in state.workers),
            "waiting": state.waiting,
            "mode": state.mode,
        },
        "devices": [
            {
                "device": worker.device,
                "ready": worker.ready,
                "why": call.translate_message(worker.why) if worker.why else None,
                "busy": bool(worker.running),
                "memory": worker.memory.model_dump() if worker.memory else None,
                "notes": [call.translate_message(note) for note in worker.notes],
            }
            for worker in state.workers
        ],
        "versions": versions,
    }


def _format_headline(call: Call[SystemStatus], system: Mapping[str, Any]) -> str:
    queue = system["queue"]
    counts = call.translate(
        "{running:,} running, {waiting:,} waiting", running=queue["running"], waiting=queue["waiting"]
    )
    uptime = call.translate("up {time:duration}", time=system["uptime"])
    headline = f"Atelier {system['versions']['atelier']} · {uptime} · {counts}"
    return headline if queue["mode"] == "open" else f"{headline}\n⚠️ {call.translate(MODE_WARNINGS[queue['mode']])}"


def _add_title(title: str, lines: Iterable[str]) -> str:
    return "\n".join((title, *lines))


def _format_services(call: Call[SystemStatus], services: Mapping[str, Any]) -> Iterator[str]:
    for name, service in services.items():
        if not service["available"]:
            yield f"⚠️ /{name}: {service['why']}"
            continue
        tier = call.translate("full tier") if service["tier"] == "full" else call.translate("embedded tier")
        yield f"✅ /{name}: {service['backend']}, {tier}. {service['why']}"
        for option, extra in service["extras"].items():
            state = f"✅ {option}: {extra['model']}." if extra["available"] else f"▫️ {option}:"
            yield f"　{state} {extra['why']}"


def _format_adapters(call: Call[SystemStatus]) -> Iterator[str]:
    for name, state in call.studio.adapters.items():
        yield f"{'✅' if state.template == 'on' else '▫️'} {name}: {call.translate_message(state)}"


def _format_devices(call: Call[SystemStatus], system: Mapping[str, Any]) -> Iterator[str]:
    for device in system["devices"]:
        if not device["ready"]:
            yield f"⚠️ {device['device']}: {device['why']}"
        elif device["memory"] is None:
            yield f"✅ {device['device']}"
        else:
            yield f"✅ {device['device']}: {_format_memory(call, device['memory'])}"
        yield from (f"⚠️ {device['device']}: {note}" for note in device["notes"])


def _format_memory(call: Call[SystemStatus], memory: Mapping[str, Any]) -> str:
    parts = [call.translate("{used:bytes} used, {free:bytes} free", used=memory["used"], free=memory["free"])]
    models = [f"{name} {format_bytes(count, call.request.language)}" for name, count in memory["models"].items()]
    parts.append(
        call.translate("loaded: {models}", models=", ".join(models)) if models else call.translate("no models loaded")
    )
    return " · ".join(parts)


@cache
def _read_version() -> str:
    return str(tomllib.loads(PROJECT.read_text("utf-8"))["project"]["version"])
