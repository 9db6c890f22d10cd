"""Real-ESRGAN: three networks that enlarge a picture four times, in ncnn (embedded tier) or torch (full tier).

Source: Wang et al. 2021, "Real-ESRGAN", arXiv:2107.10833, and its releases v0.1.0, v0.2.2.4 and v0.2.5.0.
"""
