/* Where models are kept: values of bytes under names, in IndexedDB, in files, or in memory.
 *
 * The functions are JavaScript, library_trit_store.js, in the manner of Emscripten's emscripten_idb_async_*:
 * each returns at once and calls `answer` exactly once, later, from the event loop of its thread. Memory that
 * is handed over stays untouched until then. A failure's code and sentence wait on the JavaScript side for
 * whoever made the request (trit_store_finished). */
#ifndef TRIT_STORE_H
#define TRIT_STORE_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    TRIT_STORE_DONE,
    TRIT_STORE_ABSENT, /* get: no value of this name */
    TRIT_STORE_FAILED
} trit_store_result;
typedef void trit_store_answer(trit_store_result result, size_t n_bytes);

/* A value begins with 32 bytes for the SHA-256 of all behind them. Storing fills them in, here and in what is
 * stored. Done means that the value will be there tomorrow, as far as the browser promises it; `strict` asks
 * for the disk as well. */
void trit_store_put(const char *name, uint8_t *value, size_t n_bytes, int strict,
                    trit_store_answer *answer);
/* Copies the value to `into` and the SHA-256 of all behind its first 32 bytes to `digest`. A value longer
 * than the capacity is a failure. */
void trit_store_get(const char *name, uint8_t *into, size_t capacity, uint8_t digest[32],
                    trit_store_answer *answer);
/* The names that begin so, as far as their next slash, in order and once each, with a line feed behind it. */
void trit_store_list(const char *prefix, char *into, size_t capacity, trit_store_answer *answer);
/* Every value whose name begins so. */
void trit_store_remove(const char *prefix, trit_store_answer *answer);

/* Everything, also what cannot be read any more. */
void trit_store_reset(trit_store_answer *answer);

/* How long a lock is waited for by those who may not share it. */
typedef enum { TRIT_LOCK_SHARED, TRIT_LOCK_ALONE, TRIT_LOCK_ALONE_NOW } trit_lock;
/* Takes the lock of this name among all pages of the origin; of one engine one at a time. ABSENT when it is
 * wanted now and somebody has it. */
void trit_store_lock(const char *name, trit_lock how, trit_store_answer *answer);
/* Gives it back; who still waits for it is answered with a failure, ABORTED. Without one, nothing happens. */
void trit_store_unlock(void);

/* A request of JavaScript's is done, with a trit_status, or STORAGE when the store has the reason. */
void trit_store_finished(int32_t status);

#endif
