/* The side files of safetensors, with the keys of Hugging Face's classes. */
#include "config.h"
#include "exporter.h"
#include "pretokenize.h"
#include "spelling.h"

static void put(tritx_out *out, const char *text) { tritx_out_bytes(out, text, strlen(text)); }

static void put_text(tritx_out *out, const char *key, const char *text, size_t n_bytes)
{
    tritx_out_format(out, ",\"%s\":", key);
    tritx_out_json(out, text, n_bytes);
}

void tritx_write_config_json(tritx_exporter *e)
{
    const trit_config *c = &e->model->config;
    tritx_out *out = &e->out;
    bool bitnet = c->site[TRIT_SITE_O].norm == TRIT_NORM_RMS;
    tritx_out_format(out, "{\"architectures\":[\"%s\"],\"model_type\":\"%s\",\"hidden_act\":\"%s\"",
                     bitnet ? "BitNetForCausalLM" : "LlamaForCausalLM", bitnet ? "bitnet" : "llama",
                     c->ffn == TRIT_FFN_GLU_SILU ? "silu" : "relu2");
    tritx_out_format(out, ",\"hidden_size\":%d,\"intermediate_size\":%d,\"num_hidden_layers\":%d",
                     (int)c->dim, (int)c->ffn_dim, (int)c->n_layer);
    tritx_out_format(out, ",\"num_attention_heads\":%d,\"num_key_value_heads\":%d,\"head_dim\":%d",
                     (int)c->n_head, (int)c->n_head_kv, (int)c->head_dim);
    tritx_out_format(out, ",\"vocab_size\":%d,\"max_position_embeddings\":%d", (int)c->n_vocab,
                     (int)c->n_ctx);
    tritx_out_format(out, ",\"rms_norm_eps\":%.9g,\"rope_theta\":%.9g", (double)c->norm_eps,
                     (double)c->rope_theta);
    tritx_out_format(out, ",\"tie_word_embeddings\":%s,\"attention_bias\":false",
                     c->tied_head ? "true" : "false");
    if (c->bos_id >= 0) tritx_out_format(out, ",\"bos_token_id\":%d", (int)c->bos_id);
    for (int i = 0; i < c->n_stop; i++)
        tritx_out_format(out, "%s%d", i ? "," : ",\"eos_token_id\":[", (int)c->stop_ids[i]);
    if (c->n_stop) put(out, "]");
    put(out, ",\"torch_dtype\":\"float32\",\"quantization_config\":{\"quant_method\":\"bitnet\","
             "\"linear_class\":\"autobitlinear\",\"quantization_mode\":\"offline\","
             "\"modules_to_not_convert\":[\"lm_head\"]}}\n");
}

static void put_token_text(tritx_exporter *e, const char *key, int32_t id)
{
    size_t n;
    const uint8_t *bytes = tritx_token(tritx_tokenizer_get(e->model->tokenizer), (uint32_t)id, &n);
    if (tritx_tokenizer_get(e->model->tokenizer)->token_kinds[id] == TRITX_TOKEN_SPECIAL)
        put_text(&e->out, key, (const char *)bytes, n);
}

void tritx_write_tokenizer_config_json(tritx_exporter *e)
{
    const trit_config *c = &e->model->config;
    const char *text = tritx_export_template(e);
    put(&e->out, "{\"tokenizer_class\":\"PreTrainedTokenizerFast\"");
    tritx_out_format(&e->out, ",\"clean_up_tokenization_spaces\":false,\"model_max_length\":%d",
                     (int)c->n_ctx);
    if (c->bos_id >= 0) put_token_text(e, "bos_token", c->bos_id);
    if (c->n_stop) put_token_text(e, "eos_token", c->stop_ids[0]);
    if (*text) put_text(&e->out, "chat_template", text, strlen(text));
    put(&e->out, "}\n");
}

static void put_added(tritx_out *out, const tritx_tokenizer_tables *t)
{
    bool first = true;
    put(out, ",\"added_tokens\":[");
    for (uint32_t id = 0; id < (uint32_t)t->n_vocab; id++) {
        size_t n;
        const uint8_t *bytes = tritx_token(t, id, &n);
        bool special = t->token_kinds[id] == TRITX_TOKEN_SPECIAL;
        if ((!special && t->token_kinds[id] != TRITX_TOKEN_ADDED) || n == 0) continue;
        tritx_out_format(out, "%s{\"id\":%u", first ? "" : ",", (unsigned)id);
        put_text(out, "content", (const char *)bytes, n);
        tritx_out_format(out,
                         ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                         "\"normalized\":false,\"special\":%s}",
                         special ? "true" : "false");
        first = false;
    }
    put(out, "]");
}

static void put_post_processor(tritx_out *out, const tritx_tokenizer_tables *t, int32_t bos_id)
{
    size_t n;
    const char *bos = (const char *)tritx_token(t, (uint32_t)bos_id, &n);
    put(out, ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":"
             "{\"id\":");
    tritx_out_json(out, bos, n);
    put(out,
        ",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[{\"Sequence\":"
        "{\"id\":\"A\",\"type_id\":0}},{\"Sequence\":{\"id\":\"B\",\"type_id\":1}}],"
        "\"special_tokens\":{");
    tritx_out_json(out, bos, n);
    put(out, ":{\"id\":");
    tritx_out_json(out, bos, n);
    tritx_out_format(out, ",\"ids\":[%d],\"tokens\":[", (int)bos_id);
    tritx_out_json(out, bos, n);
    put(out, "]}}}");
}

static void put_spelled(tritx_out *out, const tritx_alphabet *alphabet,
                        const tritx_tokenizer_tables *t, uint32_t id)
{
    size_t n;
    const uint8_t *bytes = tritx_token(t, id, &n);
    char text[3];
    if (t->token_kinds[id] == TRITX_TOKEN_BYTE) tritx_out_format(out, "<0x%02X>", bytes[0]);
    else if (t->token_kinds[id] != TRITX_TOKEN_NORMAL)
        tritx_out_json_part(out, (const char *)bytes, n);
    else
        for (size_t i = 0; i < n; i++)
            tritx_out_json_part(out, text, tritx_spell(alphabet, bytes + i, 1, text));
}

/* Of SentencePiece's, the special tokens come first: they stand in the vocabulary too, so that all ids are
 * told. */
static void put_vocab(tritx_out *out, const tritx_alphabet *alphabet,
                      const tritx_tokenizer_tables *t)
{
    bool first = true;
    for (uint32_t id = 0; id < (uint32_t)t->n_vocab; id++) {
        size_t n;
        (void)tritx_token(t, id, &n);
        bool added =
            t->token_kinds[id] == TRITX_TOKEN_SPECIAL || t->token_kinds[id] == TRITX_TOKEN_ADDED;
        if (n == 0 || (added && !alphabet->sentencepiece)) continue;
        put(out, first ? "\"" : ",\"");
        put_spelled(out, alphabet, t, id);
        tritx_out_format(out, "\":%u", (unsigned)id);
        first = false;
    }
}

static void put_model(tritx_out *out, const tritx_tokenizer_tables *t)
{
    bool sentencepiece = t->flags & TRITX_SENTENCEPIECE;
    tritx_alphabet alphabet;
    tritx_alphabet_fill(&alphabet, sentencepiece);
    tritx_out_format(out,
                     ",\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,"
                     "\"fuse_unk\":%s,\"byte_fallback\":%s,\"ignore_merges\":%s,\"vocab\":{",
                     sentencepiece ? "true" : "false", sentencepiece ? "true" : "false",
                     t->flags & TRITX_WHOLE_PIECES ? "true" : "false");
    put_vocab(out, &alphabet, t);
    put(out, "},\"merges\":[");
    for (uint32_t i = 0; i < t->n_merges; i++) {
        put(out, i ? ",\"" : "\"");
        put_spelled(out, &alphabet, t, t->merges[3 * (size_t)i]);
        put(out, " ");
        put_spelled(out, &alphabet, t, t->merges[3 * (size_t)i + 1]);
        put(out, "\"");
    }
    put(out, "]}");
}

/* Text is cut as in Llama 3, and spelled byte by byte. */
static void put_bytes_steps(tritx_out *out)
{
    static const char pattern[] = TRITX_PRETOKEN_EXPRESSION;
    put(out, ",\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{"
             "\"type\":\"Split\",\"pattern\":{\"Regex\":");
    tritx_out_json(out, pattern, sizeof pattern - 1);
    put(out, "},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\","
             "\"add_prefix_space\":false,\"trim_offsets\":false,\"use_regex\":false}]}");
    put(out, ",\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,"
             "\"use_regex\":true}");
}

/* Spaces become U+2581, of which one may come first, and back. */
static void put_space_steps(tritx_out *out, bool first)
{
    put(out, ",\"pre_tokenizer\":null,\"normalizer\":");
    if (first)
        put(out, "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"
                 "\"\xe2\x96\x81\"},");
    put(out, "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xe2\x96\x81\"}");
    if (first) put(out, "]}");
    put(out,
        ",\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{"
        "\"String\":\"\xe2\x96\x81\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":"
        "\"Fuse\"}");
    if (first) put(out, ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}");
    put(out, "]}");
}

void tritx_write_tokenizer_json(tritx_exporter *e)
{
    const trit_config *c = &e->model->config;
    const tritx_tokenizer_tables *t = tritx_tokenizer_get(e->model->tokenizer);
    tritx_out *out = &e->out;
    put(out, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null");
    put_added(out, t);
    if (t->flags & TRITX_SENTENCEPIECE) put_space_steps(out, t->flags & TRITX_SPACE_FIRST);
    else put_bytes_steps(out);
    if (c->add_bos) put_post_processor(out, t, c->bos_id);
    put_model(out, t);
    put(out, "}\n");
}
