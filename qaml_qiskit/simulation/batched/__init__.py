"""The normal form in few large torch operations, as a GPU likes them.

State and adjoint are complex; all matrices and diagonals of many layers are made by one operation, a layer is one
multiplication by its diagonal and a product with each block of its wall, and gradients of many layers are taken
together. On a CUDA device these operations are recorded once and replayed, see :mod:`.replays`.
"""
