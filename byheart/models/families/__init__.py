"""The model families that can be scored: one row each."""

from typing import Any

from byheart.contracts.errors import ModelError
from byheart.contracts.foreign import quote
from byheart.models.families import (
    apertus,
    cohere2,
    deepseek_v2,
    deepseek_v3,
    exaone4,
    falcon,
    gemma2,
    gemma3,
    glm4,
    glm4_moe,
    gpt2,
    gpt_neox,
    gpt_oss,
    gptj,
    granite,
    hunyuan_v1_dense,
    llama,
    llama4,
    ministral3,
    mistral,
    mistral3,
    mixtral,
    nemotron,
    olmo2,
    olmo3,
    olmoe,
    phi,
    phi3,
    qwen2,
    qwen2_moe,
    qwen3,
    qwen3_5,
    qwen3_moe,
    qwen3_next,
    seed_oss,
    smollm3,
    stablelm,
    starcoder2,
    vaultgemma,
)
from byheart.models.families.family import Family
from byheart.models.families.quantisation import read_quantisation
from byheart.models.families.refused import REFUSED

FAMILIES = {
    family.model_type: family
    for family in (
        llama.FAMILY,
        mistral.FAMILY,
        mixtral.FAMILY,
        qwen2.FAMILY,
        qwen3.FAMILY,
        gpt_neox.FAMILY,
        phi3.FAMILY,
        gemma2.FAMILY,
        gemma3.TEXT_ONLY,
        gemma3.MULTIMODAL,
        olmo2.FAMILY,
        olmo3.FAMILY,
        smollm3.FAMILY,
        apertus.FAMILY,
        vaultgemma.FAMILY,
        ministral3.FAMILY,
        mistral3.FAMILY,
        seed_oss.FAMILY,
        glm4.FAMILY,
        granite.FAMILY,
        cohere2.FAMILY,
        exaone4.FAMILY,
        hunyuan_v1_dense.FAMILY,
        qwen3_moe.FAMILY,
        qwen2_moe.FAMILY,
        olmoe.FAMILY,
        gpt2.FAMILY,
        gptj.FAMILY,
        falcon.FAMILY,
        starcoder2.FAMILY,
        stablelm.FAMILY,
        nemotron.FAMILY,
        phi.FAMILY,
        gpt_oss.FAMILY,
        glm4_moe.FAMILY,
        llama4.TEXT_ONLY,
        llama4.MULTIMODAL,
        deepseek_v2.FAMILY,
        deepseek_v3.FAMILY,
        qwen3_next.FAMILY,
        qwen3_5.TEXT_ONLY,
        qwen3_5.MULTIMODAL,
        qwen3_5.EXPERTS_TEXT_ONLY,
        qwen3_5.EXPERTS_MULTIMODAL,
    )
}


def find_family(config: dict[str, Any]) -> Family:
    """The family that the content of a config.json names.

    Raises:
        ModelError: the family is not supported, or the weights are quantised in a way that is not read.
    """
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in FAMILIES:
        obstacle = REFUSED.get(model_type) if isinstance(model_type, str) else None
        raise ModelError(
            f"config.json must have a model_type of {', '.join(FAMILIES)}; found {quote(model_type)}"
            f"{f', which has {obstacle}' if obstacle else ''}: choose such a model"
        )
    read_quantisation(config)
    return FAMILIES[model_type]
