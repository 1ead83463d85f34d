"""Families that cannot be scored, and why."""

_LINEAR_ATTENTION = """
    bamba falcon_h1 falcon_mamba granitemoehybrid jamba kimi_linear lfm2 lfm2_moe mamba mamba2 minimax nemotron_h
    olmo_hybrid recurrent_gemma rwkv xlstm zamba zamba2
"""
_LATENT_ATTENTION = """
    deepseek_v32 deepseek_v4 glm4_moe_lite glm_moe_dsa kimi_k2 kimi_k25 longcat_flash minicpm3
    mistral4
"""
_ENCODER = """
    albert bart bert bigbird_pegasus blenderbot camembert deberta deberta-v2 distilbert electra ernie eurobert led
    longformer longt5 m2m_100 marian mbart megatron-bert modernbert mpnet mt5 nomic_bert pegasus prophetnet rembert
    roberta switch_transformers t5 t5gemma t5gemma2 umt5 xlm xlm-roberta xlm-roberta-xl xlnet
"""

REFUSED = {
    **dict.fromkeys(_LINEAR_ATTENTION.split(), "layers of linear attention or of a recurrent kind"),
    **dict.fromkeys(_LATENT_ATTENTION.split(), "multi-head latent attention"),
    **dict.fromkeys(_ENCODER.split(), "an encoder, which gives no probability of a text from left to right"),
}
"""For each model_type, the feature that cannot be computed."""
