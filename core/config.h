/* Configuration: words of each axis as they stand in files, and the checks. */
#ifndef TRIT_CONFIG_H
#define TRIT_CONFIG_H

#include "base.h"
#include "json.h"

typedef enum {
    TRIT_AXIS_NORM,
    TRIT_AXIS_ROTATE,
    TRIT_AXIS_ACT,
    TRIT_AXIS_WEIGHT,
    TRIT_AXIS_KEEP,
    TRIT_AXIS_PLACE,
    TRIT_AXIS_FFN,
    TRIT_AXIS_ROPE,
    TRIT_AXIS_MASK
} tritx_axis;

/* The word of a value, NULL when the value is not in the axis. */
const char *tritx_axis_word(tritx_axis axis, uint8_t value);

/* Reads the `config` object of a packed file. BAD_CONFIG names the key. Not validated yet. */
trit_status tritx_config_read(const cJSON *object, trit_config *config, trit_error *err);
/* Writes it, without a NUL, into at most `capacity` bytes; returns the length. */
size_t tritx_config_write(const trit_config *config, char *out, size_t capacity);

/* Columns of the widest matrix. */
size_t tritx_config_widest(const trit_config *config);

/* Adds an id to stop_ids, unless it is there already. BAD_CONFIG when there are too many. */
trit_status tritx_config_add_stop(trit_config *config, int32_t id, trit_error *err);
/* The same with the id that a JSON number is. BAD_CONFIG. */
trit_status tritx_config_read_stop(const cJSON *item, trit_config *config, trit_error *err);

/* How a Hugging Face directory holds its ternary matrices: as masters, or packed with a weight_scale
 * that the product is multiplied with (class AutoBitLinear) or divided by (class BitLinear). */
typedef enum { TRITX_HF_MASTERS, TRITX_HF_MULTIPLY, TRITX_HF_DIVIDE } tritx_hf_weights;

/* Reads a Hugging Face config.json (classes BitNetForCausalLM, BitnetForCausalLM and
 * LlamaForCausalLM). BAD_CONFIG, UNSUPPORTED. Not validated yet. */
trit_status tritx_config_hf(const char *text, size_t n_bytes, trit_config *config,
                            tritx_hf_weights *weights, trit_error *err);
/* Adds the stop ids and BOS of generation_config.json. */
trit_status tritx_config_generation(const char *text, size_t n_bytes, trit_config *config,
                                    trit_error *err);
/* The axes of BitNet b1.58 as 2B4T has them (arXiv 2504.12285, section 2), shape left empty. */
void tritx_config_2b4t_axes(trit_config *config);

#endif
