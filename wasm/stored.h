/* What stored.c (opening, completing), removing.c, usage.c, load.c (records into the loader), save.c (bytes of a packed file
 * into records) and importing.c (another file, unit by unit) share: the one model that this engine is
 * loading from the store or putting there. */
#ifndef TRIT_STORED_H
#define TRIT_STORED_H

#include "manifest.h"
#include "store.h"
#include "trit.h"

enum { TRIT_NAME_BYTES = 96, TRIT_USED_BYTES = 40, TRIT_PENDING_PIECES = 64 };

typedef struct { /* of the source, which has come */
    trit_piece piece;
    trit_sha256 sha; /* of all up to its end */
} trit_pending;

/* Of a source that is imported. Its header is kept as it came, as it tells what the rest means. */
typedef struct {
    bool is_other;   /* it is no packed file */
    bool is_at_once; /* it cannot be stored in units: the packed file is, when the model is there */
    bool has_head;   /* the header has come, and what of it is not stored fills the buffer */
    uint32_t n_heads;                          /* records of it that are stored or on their way */
    uint64_t n_head;                           /* bytes of it that have come */
    uint64_t at;                               /* where in the source the next byte is that comes */
    uint64_t piece;                            /* where its next piece begins */
    uint64_t begin, end;                       /* what is asked for; end 0 = all that follows */
    trit_packer *packer;                       /* of what the loader is making */
    trit_pending pending[TRIT_PENDING_PIECES]; /* that make something which is not stored yet */
    int n_pending;
    bool has_news;   /* a piece has come since no unit was found that could be stored */
    bool has_hash;   /* of the whole source, and it is the right one */
    bool moved;      /* the cursor has, since it was stored */
    uint64_t cursor; /* all before it is stored */
    trit_sha256 cursor_sha;
} trit_importing;

typedef struct {
    trit_manifest manifest;
    char name[65];       /* the id as text */
    bool is_open, alone; /* alone: no other page loads or stores it */
    bool present
        [TRIT_STORED_MAX_RECORDS]; /* as the store lists them; false for what turned out damaged */
    uint32_t next;                 /* the record to be read or filled */
    size_t n_filled;               /* bytes of the file in it */
    uint8_t *buffers[2];
    int current;                /* which is filled, or read next */
    bool writing;               /* the other one is on its way */
    bool reading, has_read;     /* `next` is on its way into the current one, or has come */
    size_t n_read;              /* bytes of the value that has come, 0 = none */
    trit_status failure;        /* of what was written */
    void (*when_written)(void); /* who waits */
    void (*when_read)(void);
    uint8_t digest[32];
    trit_packer *packer; /* of an import that is stored at once */
    trit_importing import;
    trit_sha256 sha; /* of the source, as far as it or its records have come */
    bool has_expected;
    uint8_t expected[32];
} trit_stored;

extern trit_stored trit_opened;

/* exports.c: the error that a failing call fills in. */
trit_error *trit_js_fresh_error(void);

/* Ends a request with this status and sentence. */
void trit_stored_fail(trit_status status, const char *sentence);
/* Whether the text begins with 64 hexadecimal digits, and then something else. */
bool trit_stored_is_id(const char *text);
void trit_stored_record_name(char name[TRIT_NAME_BYTES], uint32_t index);
/* Whether every record is there, and those of an import are known to be of the right source. */
bool trit_stored_is_whole(void);
/* Whether the source's hash is the one that was promised. */
bool trit_stored_is_expected(void);
/* save.c: has the record's frame written, and stores it. */
void trit_stored_write(uint32_t index, uint32_t n_bytes);
/* save.c: once nothing is on its way, goes on with `then`. */
void trit_stored_when_written(void (*then)(void));
/* save.c: whether this record is on its way. */
bool trit_stored_is_written(uint32_t index);
/* importing.c: the source's next bytes, which the loader has taken. */
trit_status trit_importing_take(const trit_loader *loader, const uint8_t *bytes, size_t n_bytes);
/* A record has been stored. */
void trit_importing_advance(void);
/* The loader that it was for may go. */
void trit_importing_end(void);
/* Where in the file the next byte belongs. */
uint64_t trit_stored_position(void);
/* Gives the open model back, if there is one. */
void trit_js_stored_close(void);
/* usage.c: milliseconds since 1970, 0 for a damaged value. */
void trit_used_name(char name[TRIT_NAME_BYTES], const char *id);
uint64_t trit_used_read(const uint8_t bytes[TRIT_USED_BYTES], const uint8_t digest[32]);

#endif
