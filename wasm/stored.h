/* What stored.c (opening, completing), removing.c, usage.c, load.c (records into the loader) and save.c (bytes into
 * records) share: the one model that this engine is loading from the store or putting there. */
#ifndef TRIT_STORED_H
#define TRIT_STORED_H

#include "manifest.h"
#include "store.h"
#include "trit.h"

enum { TRIT_NAME_BYTES = 96, TRIT_USED_BYTES = 40 };

typedef struct {
    trit_manifest manifest;
    char name[65];       /* the id as text */
    bool is_open, alone; /* alone: no other page loads or stores it */
    bool present
        [TRIT_STORED_MAX_RECORDS]; /* as the store lists them; false for what turned out damaged */
    uint32_t n_damaged;
    uint32_t next;   /* the record to be read or filled */
    size_t n_filled; /* bytes of the file in it */
    uint8_t *buffers[2];
    int current;                /* which is filled, or read next */
    bool writing;               /* the other one is on its way */
    bool reading, has_read;     /* `next` is on its way into the current one, or has come */
    size_t n_read;              /* bytes of the value that has come, 0 = none */
    trit_status failure;        /* of what was written */
    void (*when_written)(void); /* who waits */
    void (*when_read)(void);
    uint8_t digest[32];
    trit_packer *packer; /* of what is being imported */
    trit_sha256 sha;     /* of the source, as far as it or its records have come */
    bool has_expected;
    uint8_t expected[32];
} trit_stored;

extern trit_stored trit_opened;

/* exports.c: the error that a failing call fills in. */
trit_error *trit_js_fresh_error(void);

/* Ends a request with this status and sentence. */
void trit_stored_fail(trit_status status, const char *sentence);
/* Bytes of the file in record `index`, record_bytes while the length is not known. */
uint32_t trit_stored_record_bytes(uint32_t index);
void trit_stored_record_name(char name[TRIT_NAME_BYTES], uint32_t index);
/* save.c: has the record's frame written, and stores it. */
void trit_stored_write(uint32_t index, uint32_t n_bytes);
/* Where in the file the next byte belongs. */
uint64_t trit_stored_position(void);
/* Gives the open model back, if there is one. */
void trit_js_stored_close(void);
/* usage.c: milliseconds since 1970, 0 for a damaged value. */
void trit_used_name(char name[TRIT_NAME_BYTES], const char *id);
uint64_t trit_used_read(const uint8_t bytes[TRIT_USED_BYTES], const uint8_t digest[32]);

#endif
