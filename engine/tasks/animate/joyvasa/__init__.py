"""JoyVASA: generates the motion of LivePortrait's key points from speech, by diffusion.

Source: Cao et al., "JoyVASA: Portrait and Animal Image Animation with Diffusion-Based Audio-Driven Facial Dynamics
and Head Motion Generation", 2024.
"""
