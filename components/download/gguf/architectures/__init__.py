"""The architectures of GGUF files that can be read: one row each."""

from byheart.components.download.gguf.architectures import (
    gemma,
    gpt_oss,
    latent,
    layer_norm,
    linear,
    llama,
    llama4,
    olmo,
    phi,
    qwen,
    rms_norm,
)

ARCHITECTURES = {
    architecture.name: architecture
    for module in (llama, qwen, linear, gemma, phi, olmo, gpt_oss, latent, llama4, layer_norm, rms_norm)
    for architecture in module.ARCHITECTURES
}
