"""Programs for the units of a TPU, in place of what its compiler makes of the plain form.

Each is a module that says what it computes, in which shapes, and how long that takes. The plain form stays in the
engine: it is what tests compare with, and what runs where a kernel does not fit, on other devices, and with
BYHEART_KERNELS=0 in the environment.
"""
