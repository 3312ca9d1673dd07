/* The push loader: bytes of a safetensors or a GGUF file, in any split, become a model.
 *
 * Data is taken in groups of rows, straight from what is pushed; only a group that comes in pieces is
 * put together first. A tensor that is needed as a whole counts as one row. */
#include "loader.h"
#include "template.h"

#include <stdlib.h>

trit_status trit_loader_new(trit_loader **loader, trit_head head, const char *kernels,
                            trit_error *err)
{
    trit_kernels chosen;
    if (!loader || head < TRIT_HEAD_AS_IS || head > TRIT_HEAD_F16)
        return tritx_fail(err, TRIT_PARAM, 0, "loader: bad argument");
    if (!tritx_kernels_choose(kernels, &chosen))
        return tritx_fail(err, TRIT_PARAM, 0, "this build has no kernels \"%.100s\"", kernels);
    trit_loader *l = calloc(1, sizeof *l);
    if (!l) return tritx_fail(err, TRIT_OOM, 0, "no memory for a loader");
    l->head = head;
    if (kernels) memcpy(l->kernels, kernels, strlen(kernels) + 1);
    *loader = l;
    return TRIT_OK;
}

trit_container trit_loader_container(const trit_loader *l)
{
    if (l->packed) return TRIT_CONTAINER_PACKED;
    return l->gguf || l->state == STATE_DATA ? TRIT_CONTAINER_OTHER : TRIT_CONTAINER_UNKNOWN;
}

static bool has_begun(const trit_loader *l) { return l->offset || l->shard; }

trit_status trit_loader_pool(trit_loader *l, trit_pool *pool, trit_error *err)
{
    if (!l || has_begun(l))
        return tritx_fail(err, TRIT_STATE, 0, "threads come before the tensors");
    l->pool = pool;
    return TRIT_OK;
}

trit_status trit_loader_i2_s(trit_loader *l, trit_i2_s layout, trit_error *err)
{
    if (!l || layout < TRIT_I2_S_128 || layout > TRIT_I2_S_ROWS)
        return tritx_fail(err, TRIT_PARAM, 0, "I2_S: unknown layout");
    if (has_begun(l)) return tritx_fail(err, TRIT_STATE, 0, "the layout comes before the tensors");
    l->i2_s = layout;
    return TRIT_OK;
}

trit_status trit_loader_plan_only(trit_loader *l, trit_error *err)
{
    if (!l || has_begun(l))
        return tritx_fail(err, TRIT_STATE, 0, "the plan comes before the bytes");
    l->plan_only = true;
    return TRIT_OK;
}

const trit_model *trit_loader_model(const trit_loader *l)
{
    return l && l->state == STATE_DATA ? l->model : NULL;
}

static void free_header(trit_loader *l)
{
    if (l->json.root) tritx_json_free(&l->json);
    free(l->header);
    free(l->tensors);
    l->header = NULL;
    l->tensors = NULL;
    l->n_tensors = l->tensor = 0;
}

void trit_loader_free(trit_loader *l)
{
    if (!l) return;
    tritx_tokenizer_tables_free(&l->tables);
    free(l->chat_template);
    tritx_index_free(l);
    free_header(l);
    if (l->gguf) tritx_gguf_free(l->gguf);
    free(l->gguf);
    free(l->group);
    for (int i = 0; i < l->n_lanes; i++) {
        free(l->lanes[i].codes);
        free(l->lanes[i].floats);
        free(l->lanes[i].int8);
    }
    free(l->seen);
    free(l->taken);
    trit_model_free(l->model);
    free(l);
}

trit_status trit_loader_side(trit_loader *l, trit_side side, const char *text, size_t n_bytes,
                             trit_error *err)
{
    if (!l || !text) return tritx_fail(err, TRIT_PARAM, 0, "loader: NULL argument");
    if (has_begun(l)) return tritx_fail(err, TRIT_STATE, 0, "side files come before the tensors");
    if (side != TRIT_SIDE_CONFIG && !l->have_config)
        return tritx_fail(err, TRIT_STATE, 0, "config.json comes before the other side files");
    if (n_bytes > (side == TRIT_SIDE_TOKENIZER ? 32u << 20 : 1u << 20))
        return tritx_fail(err, TRIT_BAD_JSON, 0,
                          "a side file is larger than 1 MiB, or tokenizer.json than 32 MiB");
    bool add_bos = false;
    int32_t bos_id = -1;
    switch (side) {
    case TRIT_SIDE_CONFIG:
        if (l->have_config) return tritx_fail(err, TRIT_STATE, 0, "config.json was given twice");
        TRIT_TRY(tritx_config_hf(text, n_bytes, &l->config, &l->hf, err));
        l->config.site[TRIT_SITE_HEAD].weight =
            l->head == TRIT_HEAD_F16 ? TRIT_WEIGHT_F16 : TRIT_WEIGHT_INT8;
        TRIT_TRY(trit_config_validate(&l->config, err));
        l->have_config = true;
        return TRIT_OK;
    case TRIT_SIDE_TOKENIZER:
        if (l->have_tokenizer)
            return tritx_fail(err, TRIT_STATE, 0, "tokenizer.json was given twice");
        TRIT_TRY(tritx_tokenizer_json(text, n_bytes, l->config.n_vocab, &l->tables, &add_bos,
                                      &bos_id, err));
        l->have_tokenizer = true;
        l->config.add_bos = add_bos;
        if (add_bos) l->config.bos_id = bos_id;
        return TRIT_OK;
    case TRIT_SIDE_TOKENIZER_CONFIG:
        return tritx_template_config(text, n_bytes, &l->config, &l->chat_template, err);
    case TRIT_SIDE_CHAT_TEMPLATE:
        return tritx_template_take(text, n_bytes, &l->config, &l->chat_template, err);
    case TRIT_SIDE_GENERATION_CONFIG:
        return tritx_config_generation(text, n_bytes, &l->config, err);
    case TRIT_SIDE_INDEX: return tritx_index_read(l, text, n_bytes, err);
    }
    return tritx_fail(err, TRIT_PARAM, 0, "loader: unknown side file");
}

/* ---- the state machine ---- */

trit_status tritx_loader_begin_tensor(trit_loader *l, trit_error *err)
{
    l->row = l->n_filled = 0;
    while (l->tensor < l->n_tensors && l->tensors[l->tensor].begin == l->tensors[l->tensor].end)
        l->tensor++;
    if (l->tensor == l->n_tensors) return TRIT_OK;
    const tritx_tensor *t = &l->tensors[l->tensor];
    TRIT_TRY(tritx_loader_find(l, t, &l->slot, &l->layer, err));
    l->n_rows = tritx_loader_rows(l, t, l->slot);
    l->row_bytes = (size_t)(t->end - t->begin) / l->n_rows;
    return TRIT_OK;
}

static trit_status set_card(trit_loader *l, const cJSON *card, trit_error *err)
{
    if (!cJSON_IsObject(card))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "the header's metadata has no card");
    char *printed = cJSON_PrintUnformatted(card);
    if (!printed) return tritx_fail(err, TRIT_OOM, 0, "no memory for the card");
    free(l->model->card);
    l->model->card = printed;
    return TRIT_OK;
}

trit_status tritx_loader_card(trit_loader *l, const char *text, size_t n_bytes, trit_error *err)
{
    tritx_json json;
    TRIT_TRY(tritx_json_parse(text, n_bytes, &json, err));
    trit_status status = set_card(l, json.root, err);
    tritx_json_free(&json);
    return status;
}

/* Only the template "jinja" has a text in the file. */
static trit_status read_packed_template(trit_loader *l, const cJSON *root, trit_error *err)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "chat_template"));
    if (strcmp(l->config.template_id, TRITX_TEMPLATE_JINJA) != 0) return TRIT_OK;
    if (text) TRIT_TRY(tritx_template_take(text, strlen(text), &l->config, &l->chat_template, err));
    return l->chat_template
               ? TRIT_OK
               : tritx_fail(err, TRIT_BAD_CONFIG, 0, "the header's metadata has no chat_template");
}

static trit_status read_packed_metadata(trit_loader *l, const cJSON *metadata, trit_error *err)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "trit"));
    if (!text) return tritx_fail(err, TRIT_BAD_CONFIG, 0, "the header's metadata has no \"trit\"");
    tritx_json json;
    int64_t version = 0;
    TRIT_TRY(tritx_json_parse(text, strlen(text), &json, err));
    trit_status status = TRIT_OK;
    if (!tritx_json_int(json.root, "version", 0, INT32_MAX, &version) || version != 1)
        status = tritx_fail(err, TRIT_BAD_VERSION, 0, "the packed file's version is not 1");
    if (status == TRIT_OK)
        status = tritx_config_read(cJSON_GetObjectItemCaseSensitive(json.root, "config"),
                                   &l->config, err);
    if (status == TRIT_OK && l->head &&
        l->config.site[TRIT_SITE_HEAD].weight !=
            (l->head == TRIT_HEAD_F16 ? TRIT_WEIGHT_F16 : TRIT_WEIGHT_INT8))
        status = tritx_fail(err, TRIT_UNSUPPORTED, 0,
                            "a packed file keeps its head: pack the masters again for another");
    if (status == TRIT_OK) status = tritx_loader_plan(l, err);
    if (status == TRIT_OK) status = read_packed_template(l, json.root, err);
    if (status == TRIT_OK)
        status = set_card(l, cJSON_GetObjectItemCaseSensitive(json.root, "card"), err);
    tritx_json_free(&json);
    return status;
}

static trit_status read_header(trit_loader *l, trit_error *err)
{
    if (l->header[0] != '{')
        return tritx_fail(err, TRIT_NOT_A_MODEL, 8,
                          "the file is neither a packed model nor safetensors");
    TRIT_TRY(tritx_json_parse((const char *)l->header, l->n_header, &l->json, err));
    TRIT_TRY(tritx_safetensors_read(l->json.root, &l->tensors, &l->n_tensors, err));
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(l->json.root, "__metadata__");
    for (const cJSON *item = metadata ? metadata->child : NULL; item; item = item->next)
        if (!cJSON_IsString(item))
            return tritx_fail(err, TRIT_BAD_HEADER, 0, "the header's metadata is not all strings");
    const char *format = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "format"));
    l->packed = format && strcmp(format, "trit") == 0;
    if (l->packed) {
        if ((8 + l->n_header) % 64)
            return tritx_fail(err, TRIT_BAD_HEADER, 0,
                              "a packed file's data begins at a multiple of 64");
        if (l->have_config)
            return tritx_fail(err, TRIT_STATE, 0,
                              "a packed file brings its own configuration: give no side files");
        TRIT_TRY(read_packed_metadata(l, metadata, err));
    } else {
        if (!l->have_config || (!l->have_tokenizer && !l->plan_only))
            return tritx_fail(err, TRIT_NOT_A_MODEL, 0,
                              "safetensors need config.json and tokenizer.json first: give "
                              "the directory");
        TRIT_TRY(tritx_loader_plan(l, err));
        const char *card =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, TRITX_CARD_KEY));
        if (card) TRIT_TRY(tritx_loader_card(l, card, strlen(card), err));
    }
    l->state = STATE_DATA;
    l->data = l->offset;
    return tritx_loader_begin_tensor(l, err);
}

static trit_status read_length(trit_loader *l, trit_error *err)
{
    uint64_t n = tritx_load_u64(l->length);
    if (memcmp(l->length, "GGUF", 4) == 0) {
        l->state = STATE_GGUF;
        return tritx_loader_begin_gguf(l, err);
    }
    if (l->shard && !l->index)
        return tritx_fail(err, TRIT_NOT_A_MODEL, 0,
                          "this is no part of a GGUF file, and shards come after their index");
    if (n < 2 || n > TRIT_MAX_HEADER)
        return tritx_fail(err, TRIT_NOT_A_MODEL, 0,
                          "the file is neither a packed model nor safetensors nor GGUF");
    l->n_header = (size_t)n;
    l->header = malloc(l->n_header);
    if (!l->header) return tritx_fail(err, TRIT_OOM, 0, "no memory for the header");
    l->state = STATE_HEADER;
    l->n_filled = 0;
    return TRIT_OK;
}

static void advance(trit_loader *l, size_t n, const uint8_t **bytes, size_t *n_bytes)
{
    l->offset += n;
    *bytes += n;
    *n_bytes -= n;
}

/* Copies into the present buffer; true when it is full. */
static bool fill(trit_loader *l, uint8_t *buffer, size_t capacity, const uint8_t **bytes,
                 size_t *n_bytes)
{
    size_t n = capacity - l->n_filled < *n_bytes ? capacity - l->n_filled : *n_bytes;
    memcpy(buffer + l->n_filled, *bytes, n);
    l->n_filled += n;
    advance(l, n, bytes, n_bytes);
    return l->n_filled == capacity;
}

static trit_status push_gguf(trit_loader *l, const uint8_t **bytes, size_t *n_bytes,
                             trit_error *err)
{
    size_t before = *n_bytes;
    TRIT_TRY(tritx_gguf_push(l->gguf, bytes, n_bytes, err));
    l->offset += before - *n_bytes;
    if (l->gguf->step != TRITX_GGUF_DONE) return TRIT_OK;
    TRIT_TRY(tritx_loader_read_gguf(l, err));
    l->state = STATE_DATA;
    return tritx_loader_begin_tensor(l, err);
}

/* How many of the next bytes fill up to the multiple at which a tensor of GGUF begins. */
static size_t padding(const trit_loader *l, size_t n_bytes)
{
    if (!l->gguf || l->row || l->n_filled) return 0;
    uint64_t begin = l->data, end = l->n_tensors ? l->tensors[l->n_tensors - 1].end : 0;
    if (l->tensor < l->n_tensors) begin += l->tensors[l->tensor].begin;
    else begin += (end + l->alignment - 1) / l->alignment * l->alignment;
    uint64_t n = begin > l->offset ? begin - l->offset : 0;
    return n < n_bytes ? (size_t)n : n_bytes;
}

static void note_taken(trit_loader *l, size_t n)
{
    if (l->slot != TRIT_SLOT_EMBED && l->slot != TRIT_SLOT_HEAD) return;
    int i = l->slot == TRIT_SLOT_HEAD;
    if (l->rows_taken[i].end != l->row) l->rows_taken[i].begin = l->row;
    l->rows_taken[i].end = l->row + n;
}

/* Takes the rows that are whole, or what there is of the next group. */
static trit_status push_rows(trit_loader *l, const uint8_t **bytes, size_t *n_bytes,
                             trit_error *err)
{
    size_t left = l->n_rows - l->row, there = *n_bytes / l->row_bytes,
           n = there < left ? there / TRIT_T2_ROWS * TRIT_T2_ROWS : left;
    const uint8_t *rows = *bytes;
    if (n && !l->n_filled) advance(l, n * l->row_bytes, bytes, n_bytes);
    else {
        n = left < TRIT_T2_ROWS ? left : TRIT_T2_ROWS;
        rows = l->group;
        if (!fill(l, l->group, n * l->row_bytes, bytes, n_bytes)) return TRIT_OK;
        l->n_filled = 0;
    }
    TRIT_TRY(tritx_loader_take(l, rows, n, err));
    note_taken(l, n);
    l->row += n;
    if (l->row < l->n_rows) return TRIT_OK;
    l->taken[(size_t)l->layer * TRIT_SLOT_COUNT + (size_t)l->slot] = 1;
    l->tensor++;
    return tritx_loader_begin_tensor(l, err);
}

static trit_status push(trit_loader *l, const uint8_t *bytes, size_t n_bytes, trit_error *err)
{
    while (n_bytes) {
        if (l->state == STATE_LENGTH) {
            if (fill(l, l->length, sizeof l->length, &bytes, &n_bytes))
                TRIT_TRY(read_length(l, err));
        } else if (l->state == STATE_HEADER) {
            if (fill(l, l->header, l->n_header, &bytes, &n_bytes)) TRIT_TRY(read_header(l, err));
        } else if (l->state == STATE_GGUF) {
            TRIT_TRY(push_gguf(l, &bytes, &n_bytes, err));
        } else if (l->plan_only) {
            return TRIT_OK;
        } else {
            advance(l, padding(l, n_bytes), &bytes, &n_bytes);
            if (n_bytes == 0) return TRIT_OK;
            if (l->tensor == l->n_tensors)
                return tritx_fail(err, TRIT_TRAILING_BYTES, l->offset,
                                  "%zu bytes or more after the last tensor", n_bytes);
            TRIT_TRY(push_rows(l, &bytes, &n_bytes, err));
        }
    }
    return TRIT_OK;
}

/* The sentence of a failure tells in which of the files it was. */
static trit_status name_shard(const trit_loader *l, trit_status status, trit_error *err)
{
    if (status == TRIT_OK || !l->shard || !err) return status;
    char message[sizeof err->message];
    memcpy(message, err->message, sizeof message);
    tritx_format(err->message, sizeof err->message, "%.60s: %s", l->shard, message);
    return status;
}

/* A loader that has failed is of no use any more. */
static trit_status settle(trit_loader *l, trit_status status, trit_error *err)
{
    if (status != TRIT_OK) l->state = STATE_FAILED;
    return name_shard(l, status, err);
}

trit_status trit_loader_push(trit_loader *l, const uint8_t *bytes, size_t n_bytes, trit_error *err)
{
    if (!l || (!bytes && n_bytes)) return tritx_fail(err, TRIT_PARAM, 0, "loader: NULL argument");
    if (l->state == STATE_FAILED)
        return tritx_fail(err, TRIT_STATE, 0, "this loader has already failed");
    if (l->index && !l->shard)
        return tritx_fail(err, TRIT_STATE, 0, "the model comes in shards: name the first one");
    return settle(l, push(l, bytes, n_bytes, err), err);
}

/* Nothing of the file may be missing. */
static trit_status end_file(const trit_loader *l, trit_error *err)
{
    if (l->state == STATE_DATA && l->tensor == l->n_tensors) return TRIT_OK;
    return tritx_fail(err, TRIT_TRUNCATED, l->offset,
                      "the file ends after %llu bytes, inside its %s",
                      (unsigned long long)l->offset, l->state == STATE_DATA ? "tensors" : "header");
}

trit_status trit_loader_shard(trit_loader *l, const char *name, trit_error *err)
{
    if (!l || !name) return tritx_fail(err, TRIT_PARAM, 0, "loader: NULL argument");
    if (l->state == STATE_FAILED)
        return tritx_fail(err, TRIT_STATE, 0, "this loader has already failed");
    if (has_begun(l)) TRIT_TRY(settle(l, end_file(l, err), err));
    trit_status status =
        l->index ? tritx_index_begin(l, name, err) : tritx_parts_begin(l, name, err);
    TRIT_TRY(settle(l, status, err));
    free_header(l);
    l->state = STATE_LENGTH;
    l->offset = l->n_filled = 0;
    return TRIT_OK;
}

trit_status trit_loader_finish(trit_loader *l, trit_model **model, trit_error *err)
{
    if (!l || !model) return tritx_fail(err, TRIT_PARAM, 0, "loader: NULL argument");
    if (l->state == STATE_FAILED)
        return tritx_fail(err, TRIT_STATE, 0, "this loader has already failed");
    if (l->plan_only) return tritx_fail(err, TRIT_STATE, 0, "the loader only plans");
    if (l->shard || !l->index) TRIT_TRY(name_shard(l, end_file(l, err), err));
    TRIT_TRY(tritx_index_end(l, err));
    TRIT_TRY(tritx_parts_end(l, err));
    if (!l->model) return tritx_fail(err, TRIT_STATE, 0, "the model was already handed over");
    TRIT_TRY(tritx_tokenizer_new(&l->tables, &l->model->tokenizer, err));
    memset(&l->tables, 0, sizeof l->tables); /* the tokenizer owns them now */
    free(l->model->chat_template);
    l->model->chat_template = l->chat_template;
    l->chat_template = NULL;
    *model = l->model;
    l->model = NULL;
    return TRIT_OK;
}
