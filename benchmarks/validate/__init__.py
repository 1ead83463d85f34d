"""Does byheart measure memory? Models that are trained here on passages, each planted a known number of times.

make validate            # three seeds; writes docs/validation.md and its picture
make validate QUICK=1    # one seed and two doses, as CI does; writes no page
"""
