/* Manifests of stored models: a good one with a few places changed and its hash put right, or any bytes. What is
 * taken has records that follow each other to the end of the file, and is written again as it was read. */
#include "input.h"
#include "manifest.h"

static const uint8_t id[32] = {7};
static trit_manifest manifest;

static buffer written(uint32_t n_records, uint32_t n_ends)
{
    memset(&manifest, 0, sizeof manifest);
    manifest.state = n_records ? TRIT_STORED_COMPLETE : TRIT_STORED_PARTIAL;
    manifest.origin = n_ends ? TRIT_ORIGIN_IMPORTED : TRIT_ORIGIN_PACKED;
    memcpy(manifest.id, id, sizeof id);
    manifest.record_bytes = TRIT_RECORD_MIN;
    manifest.n_bytes = 3 * TRIT_RECORD_MIN - 1000;
    manifest.n_records = n_records;
    manifest.n_ends = n_ends;
    for (uint32_t i = 0; i < n_ends; i++) manifest.ends[i] = (i + 1) * manifest.n_bytes / n_ends;
    manifest.n_about = 2;
    memcpy(manifest.about, "{}", 2);
    buffer file = {calloc(1, TRIT_MANIFEST_MAX), 0, TRIT_MANIFEST_MAX};
    file.n = trit_manifest_write(&manifest, file.bytes);
    return file;
}

static void check_records(void)
{
    uint64_t at = 0;
    uint32_t count = trit_manifest_count(&manifest);
    if (manifest.n_bytes == 0) return;
    if (count == 0 || count > TRIT_STORED_MAX_RECORDS) abort();
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = trit_manifest_record_bytes(&manifest, i);
        if (trit_manifest_begin(&manifest, i) != at || n == 0 || n > manifest.record_bytes) abort();
        if (trit_manifest_find(&manifest, at) != i ||
            trit_manifest_find(&manifest, at + n - 1) != i)
            abort();
        at += n;
    }
    if (at != manifest.n_bytes) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static buffer good[3];
    if (!good[0].bytes) {
        good[0] = written(3, 0);
        good[1] = written(5, 5);
        good[2] = written(0, 5);
    }
    input in = {data, n};
    uint32_t how = take(&in, 1);
    buffer file = take_file(&in, &good[how % 3], 108);
    uint8_t digest[32] = {0};
    trit_sha256 sha;
    trit_sha256_begin(&sha);
    if (file.n > 32) trit_sha256_push(&sha, file.bytes + 32, file.n - 32);
    trit_sha256_end(&sha, digest);
    if (file.n >= 32 && how & 0x80) memcpy(file.bytes, digest, 32);
    memset(&manifest, 0, sizeof manifest);
    if (trit_manifest_read(&manifest, id, digest, file.bytes, file.n) == TRIT_MANIFEST_FINE) {
        static uint8_t again[TRIT_MANIFEST_MAX];
        check_records();
        bool is_old = file.bytes[40] == 1;
        size_t n_again = trit_manifest_write(&manifest, again);
        if (!is_old && (n_again != file.n || memcmp(again + 32, file.bytes + 32, file.n - 32) != 0))
            abort();
    }
    free(file.bytes);
    return 0;
}
