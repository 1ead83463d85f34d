"""The architectures of GGUF files that can be read: one row each."""

from byheart.components.download.gguf.architectures import (
    gemma,
    gpt_oss,
    latent,
    layer_norm,
    llama,
    llama4,
    olmo,
    phi,
    qwen,
    qwen3_next,
    rms_norm,
)

ARCHITECTURES = {
    architecture.name: architecture
    for module in (llama, qwen, qwen3_next, gemma, phi, olmo, gpt_oss, latent, llama4, layer_norm, rms_norm)
    for architecture in module.ARCHITECTURES
}
