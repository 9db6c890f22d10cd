"""The full tier of /animate: LivePortrait's networks, in torch from safetensors or in ONNX Runtime.

Source: Guo et al., "LivePortrait: Efficient Portrait Animation with Stitching and Retargeting Control", 2024.
"""
