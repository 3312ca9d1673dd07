/* What is stored of one model besides its records, and the frame of each record. All numbers are
 * little-endian. Whoever changes a layout raises the version; what an older version wrote is read for ever.
 *
 * A model is the packed file (models/FORMAT.md), cut into records of `record_bytes`, the last one shorter, or, when
 * it is made of another file, where its units end. The value "record/<id>/<index in 8 digits>" is
 *     SHA-256 of what follows [32], id [32], index u32, n_bytes u32, bytes of the file [n_bytes];
 * so a record that is damaged, cut, or another's is known as such by itself. The value "model/<id>" is
 *     SHA-256 of what follows [32], "tritkeep", version u32, state u32, origin u32, id [32], n_bytes u64,
 *     record_bytes u32, n_records u32, n_about u32, n_ends u32, SHA-256 of each record [n_records][32],
 *     where each record ends u64 [n_ends], about [n_about];
 * version 1 has no n_ends and no ends. */
#ifndef TRIT_MANIFEST_H
#define TRIT_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TRIT_STORED_VERSION = 2,
    TRIT_STORED_MAX_RECORDS = 4096,
    TRIT_STORED_MAX_ABOUT = 1 << 16,
    TRIT_RECORD_HEAD = 72,
    TRIT_MANIFEST_HEAD = 108,
    TRIT_MANIFEST_MAX = TRIT_MANIFEST_HEAD + TRIT_STORED_MAX_RECORDS * 40 + TRIT_STORED_MAX_ABOUT,
    TRIT_RECORD_MIN = 1 << 16,
    TRIT_RECORD_MAX = 1 << 24
};

/* Only a complete model is ever loaded without looking at its source. */
typedef enum { TRIT_STORED_PARTIAL = 1, TRIT_STORED_COMPLETE } trit_stored_state;
/* Records are bytes of the source, or what was made of it. */
typedef enum { TRIT_ORIGIN_UNKNOWN, TRIT_ORIGIN_PACKED, TRIT_ORIGIN_IMPORTED } trit_origin;

typedef struct {
    uint32_t state, origin;
    uint8_t id[32];
    uint64_t n_bytes; /* of the packed file; 0 = not known yet */
    uint32_t record_bytes;
    uint32_t n_records;                          /* whose hashes are below: 0 unless complete */
    uint8_t hashes[TRIT_STORED_MAX_RECORDS][32]; /* the first 32 bytes of each record */
    uint32_t n_ends;                             /* 0: all records but the last are record_bytes */
    uint64_t ends[TRIT_STORED_MAX_RECORDS];
    uint32_t n_about;
    uint8_t about[TRIT_STORED_MAX_ABOUT]; /* JSON of JavaScript's, not read here */
} trit_manifest;

/* How many records the file has. */
uint32_t trit_manifest_count(const trit_manifest *m);
/* Where in the file record `index` begins, and how many bytes of it it has. While the length is not known,
 * records have no end. */
uint64_t trit_manifest_begin(const trit_manifest *m, uint32_t index);
uint32_t trit_manifest_record_bytes(const trit_manifest *m, uint32_t index);
/* The record that holds this byte of the file. */
uint32_t trit_manifest_find(const trit_manifest *m, uint64_t offset);
/* Returns the length, at most TRIT_MANIFEST_MAX. */
size_t trit_manifest_write(const trit_manifest *m, uint8_t *out);

typedef enum { TRIT_MANIFEST_FINE, TRIT_MANIFEST_BAD, TRIT_MANIFEST_NEWER } trit_manifest_found;
/* `digest`: SHA-256 of what stands behind the first 32 bytes. */
trit_manifest_found trit_manifest_read(trit_manifest *m, const uint8_t id[32],
                                       const uint8_t digest[32], const uint8_t *bytes,
                                       size_t n_bytes);

/* Writes the head of a record whose file bytes stand behind it. */
void trit_record_frame(uint8_t *record, const uint8_t id[32], uint32_t index, uint32_t n_bytes);
/* Whether it is the record of this place; n_value: of the value as it was read. */
bool trit_record_check(const uint8_t *record, size_t n_value, const uint8_t digest[32],
                       const uint8_t id[32], uint32_t index, uint32_t n_bytes);

#endif
