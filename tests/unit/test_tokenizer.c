#include "small_tokenizer.h"

/* Encodes and compares the ids. */
static void check_ids(const tritx_tokenizer *tokenizer, const char *text, size_t n_text,
                      bool special, const int32_t *want, size_t n_want)
{
    int32_t ids[64];
    size_t n = 99;
    TRIT_CHECK_EQ_I(tritx_tokenizer_encode(tokenizer, text, n_text, special, ids, 64, &n, NULL),
                    TRIT_OK);
    TRIT_CHECK_EQ_I(n, n_want);
    for (size_t i = 0; i < n && i < n_want; i++) TRIT_CHECK_EQ_I(ids[i], want[i]);
}

#define CHECK_IDS(tokenizer, text, special, ...)                                                   \
    do {                                                                                           \
        const int32_t want[] = {__VA_ARGS__};                                                      \
        check_ids(tokenizer, text, sizeof(text) - 1, special, want, sizeof want / sizeof *want);   \
    } while (0)

static void test_encode(void)
{
    tritx_tokenizer *t = small_tokenizer(false);
    CHECK_IDS(t, "hello w", false, HELL, 'o', O_SPACE_W);
    CHECK_IDS(t, "aaa", false, SAME, 'a'); /* equal ranks: the leftmost first */
    CHECK_IDS(t, "aaaaa", false, SAME, SAME, 'a');
    CHECK_IDS(t, "he ll", false, HE, ' ', LL);
    CHECK_IDS(t, "\xff\xfe\x80", false, 0xff, 0xfe, 0x80);
    CHECK_IDS(t, "a\0b", false, 'a', 0, 'b');
    check_ids(t, NULL, 0, false, NULL, 0);
    check_ids(t, "", 0, true, NULL, 0);
    tritx_tokenizer_free(t);
    tritx_tokenizer_free(NULL);
}

static void test_ignore_merges(void)
{
    tritx_tokenizer_tables t = small_tables();
    t.n_merges = 0; /* only whole pieces are found now */
    t.flags = 1;
    tritx_tokenizer *tokenizer = NULL;
    TRIT_CHECK_EQ_I(tritx_tokenizer_new(&t, &tokenizer, NULL), TRIT_OK);
    CHECK_IDS(tokenizer, "hell", false, HELL);
    CHECK_IDS(tokenizer, "hello", false, 'h', 'e', 'l', 'l', 'o');
    CHECK_IDS(tokenizer, " w", false, O_SPACE_W);
    tritx_tokenizer_free(tokenizer);
}

static void test_specials(void)
{
    tritx_tokenizer *t = small_tokenizer(true);
    CHECK_IDS(t, "<|bos|>", true, BOS);
    CHECK_IDS(t, "he<|eot_id|>he", true, HE, EOT, HE);
    CHECK_IDS(t, "<|eot_id|>x<|eot_id|>", true, EOT_LONG, EOT);
    CHECK_IDS(t, "<|bos|", true, '<', '|', 'b', 'o', 's', '|');
    CHECK_IDS(t, "<|bos|>", false, '<', '|', 'b', 'o', 's', '|', '>');
    TRIT_CHECK_EQ_I(tritx_tokenizer_special(t, "<|eot_id|>"), EOT);
    TRIT_CHECK_EQ_I(tritx_tokenizer_special(t, "<|eot_id|>x"), EOT_LONG);
    TRIT_CHECK_EQ_I(tritx_tokenizer_special(t, "he"), -1);
    TRIT_CHECK_EQ_I(tritx_tokenizer_special(t, ""), -1);
    tritx_tokenizer_free(t);
}

static void test_capacity(void)
{
    tritx_tokenizer *t = small_tokenizer(true);
    int32_t ids[3] = {-7, -7, -7};
    size_t n = 0;
    trit_error err = {0};
    TRIT_CHECK_EQ_I(tritx_tokenizer_encode(t, "hello w", 7, false, ids, 2, &n, &err), TRIT_PARAM);
    TRIT_CHECK_EQ_I(n, 3);
    TRIT_CHECK_EQ_I(err.status, TRIT_PARAM);
    TRIT_CHECK(ids[0] == -7 && ids[1] == -7); /* only n is set */
    TRIT_CHECK_EQ_I(tritx_tokenizer_encode(t, "hello w", 7, false, NULL, 0, &n, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(n, 3);
    TRIT_CHECK_EQ_I(tritx_tokenizer_encode(t, "hello w", 7, false, ids, 3, &n, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(ids[2], O_SPACE_W);
    tritx_tokenizer_free(t);
}

/* Pieces around the length from which the heap is used: the same rule in both, done here naively. */
static void test_long_pieces(void)
{
    tritx_tokenizer *t = small_tokenizer(false);
    enum { MAX = 300 };
    char text[MAX];
    int32_t ids[MAX], want[MAX];
    uint32_t seed = 1;
    for (size_t length = 1; length < MAX; length++) {
        for (size_t i = 0; i < length; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = "helalwa"[(seed >> 16) % 7];
            want[i] = (uint8_t)text[i];
        }
        size_t n_want = length, n;
        for (uint32_t rank = 0; rank < N_SMALL_MERGES; rank++) { /* no merge makes an earlier one */
            size_t kept = 0;
            for (size_t i = 0; i < n_want; i++, kept++) {
                bool pair = i + 1 < n_want && (uint32_t)want[i] == small_merges[rank][0] &&
                            (uint32_t)want[i + 1] == small_merges[rank][1];
                want[kept] = pair ? (int32_t)small_merges[rank][2] : want[i];
                i += pair;
            }
            n_want = kept;
        }
        TRIT_CHECK_EQ_I(tritx_tokenizer_encode(t, text, length, false, ids, MAX, &n, NULL),
                        TRIT_OK);
        TRIT_CHECK(n == n_want && memcmp(ids, want, n * sizeof *ids) == 0);
    }
    tritx_tokenizer_free(t);
}

static void check_bad(tritx_tokenizer_tables t, int line)
{
    tritx_tokenizer *tokenizer = NULL;
    trit_error err = {0};
    trit_status status = tritx_tokenizer_new(&t, &tokenizer, &err);
    if (status != TRIT_BAD_TOKENIZER) fprintf(stderr, "line %d: %s\n", line, err.message);
    TRIT_CHECK_EQ_I(status, TRIT_BAD_TOKENIZER);
    TRIT_CHECK(tokenizer == NULL && err.message[0]);
    tritx_tokenizer_tables_free(&t); /* still the caller's */
}

#define CHECK_BAD(change)                                                                          \
    do {                                                                                           \
        tritx_tokenizer_tables t = small_tables();                                                 \
        change;                                                                                    \
        check_bad(t, __LINE__);                                                                    \
    } while (0)

static void test_hostile_tables(void)
{
    CHECK_BAD(t.n_vocab = 0);
    CHECK_BAD(t.n_vocab = -1);
    CHECK_BAD(t.n_vocab = INT32_MAX);
    CHECK_BAD(t.n_merges = UINT32_MAX);
    CHECK_BAD(t.flags = 3);
    CHECK_BAD(t.flags = TRITX_SPACE_FIRST);
    CHECK_BAD(t.flags = 8);
    CHECK_BAD(t.token_ends[5] = 4); /* not monotone */
    CHECK_BAD(t.token_ends[5] = UINT32_MAX);
    CHECK_BAD(t.token_ends[N_SMALL - 1]--); /* bytes left over, or beyond */
    CHECK_BAD(t.token_ends[N_SMALL - 1]++);
    CHECK_BAD(t.n_token_bytes--);
    CHECK_BAD(t.token_ends[0] = 0); /* an ordinary token without bytes */
    CHECK_BAD(t.token_kinds[3] = TRITX_TOKEN_BYTE + 1);
    CHECK_BAD(t.token_kinds[3] = TRITX_TOKEN_BYTE); /* without SentencePiece */
    CHECK_BAD(t.token_kinds[3] = 1);                /* a byte without a token */
    CHECK_BAD(t.token_bytes[3] = 4);                /* two tokens with the same bytes */
    CHECK_BAD(t.merges[0] = N_SMALL);               /* ids out of range */
    CHECK_BAD(t.merges[1] = UINT32_MAX);
    CHECK_BAD(t.merges[2] = 0x80000000u);
    CHECK_BAD(t.merges[2] = BOS); /* merging into a special token */
    CHECK_BAD(t.merges[0] = EOT);
    CHECK_BAD(t.merges[2] = LL);                                     /* joined bytes are others */
    CHECK_BAD(t.merges[2] = HELL);                                   /* joined bytes are longer */
    CHECK_BAD(memcpy(t.merges + 3, t.merges, 3 * sizeof *t.merges)); /* a merge twice */
    CHECK_BAD((free(t.merges), t.merges = NULL));
    CHECK_BAD((free(t.token_ends), t.token_ends = NULL));
    CHECK_BAD((free(t.token_kinds), t.token_kinds = NULL));
    CHECK_BAD((free(t.token_bytes), t.token_bytes = NULL));
}

static void check_pieces(const char *text, const char *cut)
{
    size_t n = strlen(text), at = 0;
    char got[128] = "";
    for (size_t end; at < n; at = end) {
        end = tritx_pretoken_end((const uint8_t *)text, n, at);
        TRIT_CHECK(end > at && end <= n);
        if (end <= at) return;
        strncat(got, text + at, end - at);
        if (end < n) strcat(got, "`");
    }
    if (strcmp(got, cut) != 0) fprintf(stderr, "got %s, want %s\n", got, cut);
    TRIT_CHECK(strcmp(got, cut) == 0);
}

static void test_pieces(void)
{
    check_pieces("Hello world", "Hello` world");
    check_pieces("don't I'LL we'Re x'q", "don`'t` I`'LL` we`'Re` x`'q");
    check_pieces("'\xc5\xbf\x61", "'\xc5\xbf`a");
    check_pieces("12345 678", "123`45` `678");
    check_pieces("a  b", "a` ` b");
    check_pieces("a   ", "a`   ");
    check_pieces("a \n \n  b", "a` \n \n` ` b");
    check_pieces("a\r\n\r\nb", "a`\r\n\r\n`b");
    check_pieces("x!!\n\ny", "x`!!\n\n`y");
    check_pieces(" !!a", " !!`a");
    check_pieces("!a", "!a");
    check_pieces("\ta", "\ta");
    check_pieces("\t\ta", "\t`\ta");
    check_pieces("\na", "\n`a");
    check_pieces("\t1", "\t`1");
    check_pieces("  !", " ` !");
    check_pieces("e\xcc\x81t", "e`\xcc\x81t");
    check_pieces("\xe3\x80\x80\xe3\x80\x80x", "\xe3\x80\x80`\xe3\x80\x80x");
    check_pieces("\xff\xffz", "\xff\xff`z");
    check_pieces("\xffz", "\xffz");
    check_pieces("a'", "a`'");
    check_pieces("'r", "'r");
}

int main(void)
{
    test_encode();
    test_ignore_merges();
    test_specials();
    test_capacity();
    test_long_pieces();
    test_hostile_tables();
    test_pieces();
    return TRIT_DONE();
}
