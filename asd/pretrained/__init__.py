"""Pretrained networks of others: a user's checkpoint in, a network with its weights out. A corridor: front-ends and
encoders both use it. Nothing is downloaded, nothing is unpickled but tensors.
"""
