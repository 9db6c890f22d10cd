"""Which devices there are, asked of the NVIDIA driver without loading torch."""


def devices(wanted: str) -> tuple[str, ...]:
    """One name a worker: `auto` is every NVIDIA GPU or else the CPU; anything else stands for itself."""
    if wanted not in ("auto", "cuda"):
        return (wanted,)
    gpus = tuple(f"cuda:{index}" for index in range(_gpus()))
    return gpus or ("cpu",)


def _gpus() -> int:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return 0
    return int(pynvml.nvmlDeviceGetCount())
