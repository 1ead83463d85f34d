from byheart.launch.lazy_packages import load_when_used

load_when_used("kubernetes", "kubernetes.client")
