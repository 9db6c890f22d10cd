# Atelier in a container, by the same scripts as without one. compose.yaml builds and runs it.
#   docker build -t atelier .                       the embedded tier, on the CPU
#   docker build -t atelier --build-arg FULL=1 .    and the full tier, for an NVIDIA GPU
FROM python:3.11-slim-bookworm

# FULL adds torch. PIP_INDEX_URL is a package mirror for the build, where you have one.
ARG FULL=
ARG PIP_INDEX_URL=
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility,video PYTHONUNBUFFERED=1

WORKDIR /app
RUN useradd --create-home --uid 1000 atelier && install --directory --owner atelier data

# Networks are compiled for the card on the machine that runs them, and Triton asks for a C compiler then. It has no
# version here: Debian keeps one of each, so a pinned one would soon be gone.
# hadolint ignore=DL3008
RUN [ -z "$FULL" ] || { apt-get update -qq && apt-get install -qq --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*; }

COPY pyproject.toml requirements.lock ./
COPY scripts scripts
COPY engine engine
RUN --mount=type=cache,target=/root/.cache/uv \
    UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 scripts/setup ${FULL:+--full} \
    && chown --recursive atelier data && rm -rf .uv

COPY storage storage
COPY bot bot
COPY config.toml ./

USER 1000
ENV PATH=/app/.venv/bin:$PATH
VOLUME /app/data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=20s --timeout=10s CMD ["python", "-m", "bot.health"]
# An older volume may lack weights that this version wants.
CMD ["sh", "-c", "python -m engine weights --fetch --tier embedded >/dev/null; exec python -m bot"]
