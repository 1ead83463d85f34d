from byheart.launch.lazy_packages import load_kfp_without_client, load_when_used

load_when_used("kubernetes", "kubernetes.client")
load_kfp_without_client()
