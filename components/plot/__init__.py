import logging

# It would say in every pod that it has listed the fonts. The list cannot come with the image: matplotlib reads it only
# from a folder that it may write, and the root of a pod may be read-only. Listing takes a fifth of a second.
logging.getLogger("matplotlib.font_manager").setLevel(logging.WARNING)
