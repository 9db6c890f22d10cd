"""The front end: platforms in, answers out. It never imports torch, cv2 or onnxruntime."""
