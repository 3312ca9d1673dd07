#include "check.h"
#include "json.h"

static trit_status parse(const char *text, size_t n, trit_error *err)
{
    /* A block of exactly n bytes: the sanitizer sees every byte read behind it. */
    char *copy = malloc(n ? n : 1);
    tritx_json json = {NULL};
    memcpy(copy, text, n);
    trit_status status = tritx_json_parse(copy, n, &json, err);
    TRIT_CHECK((status == TRIT_OK) == (json.root != NULL));
    tritx_json_free(&json);
    free(copy);
    return status;
}

static void test_malformed(void)
{
    static const struct {
        const char *text;
        uint64_t offset;
    } cases[] = {
        {"", 0},
        {"   ", 3},
        {"\xef\xbb\xbf{}", 0}, /* BOM */
        {"{} x", 3},           /* more after the value */
        {"{}{}", 2},
        {"[1,]", 3},
        {"[,1]", 1},
        {"[1 2]", 3},
        {"[1", 2},
        {"{\"a\":1,}", 7},
        {"{\"a\" 1}", 5},
        {"{a:1}", 1},
        {"{1:1}", 1},
        {"{\"a\"}", 4},
        {"\"abc", 4},
        {"\"a\nb\"", 2}, /* control characters only by escape */
        {"\"\\x\"", 2},
        {"\"\\u12\"", 3},
        {"\"\\u12g4\"", 3},
        {"\"\\u0000\"", 3}, /* NUL would end the string early */
        {"{\"a\\u0000\":1}", 5},
        {"\"\\ud800\"", 7}, /* lone surrogates */
        {"\"\\ud800\\u0041\"", 7},
        {"\"\\udc00\"", 3},
        {"\"\\ud800\\", 7},
        {"\"\xff\"", 1}, /* not UTF-8 */
        {"\"\xc0\x80\"", 1},
        {"\"\xed\xa0\x80\"", 1},
        {"\"\xf4\x90\x80\x80\"", 1},
        {"\"\xe2\x82", 1},
        {"01", 2},
        {"-", 1},
        {"+1", 0},
        {"1.", 2},
        {".5", 0},
        {"1e", 2},
        {"1e+", 3},
        {"0x10", 1},
        {"NaN", 0},
        {"Infinity", 0},
        {"-Infinity", 1},
        {"tru", 0},
        {"True", 0},
        {"nul", 0},
        {"truex", 4},
        {"'a'", 0},
        {"// c\n1", 0},
        {"[1]\v", 3},
        {"{\"a\":1,\"a\":2}", 8}, /* duplicate keys: the later one is named */
        {"{\"a\":1,\"\\u0061\":2}", 8},
        {"{\"/\":1,\"b\":0,\"\\/\":2}", 14},
        {"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", 19},
        {"[{\"x\":{\"k\":1,\"k\":1}}]", 14},
        {"{\"\":1,\"\":2}", 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        trit_error err = {0};
        trit_status status = parse(cases[i].text, strlen(cases[i].text), &err);
        if (status != TRIT_BAD_JSON || err.offset != cases[i].offset)
            fprintf(stderr, "case %s: %s\n", cases[i].text, err.message);
        TRIT_CHECK_EQ_I(status, TRIT_BAD_JSON);
        TRIT_CHECK_EQ_I(err.status, TRIT_BAD_JSON);
        TRIT_CHECK_EQ_I(err.offset, cases[i].offset);
    }
    TRIT_CHECK_EQ_I(parse("1\0", 2, NULL), TRIT_BAD_JSON);
    TRIT_CHECK_EQ_I(parse("\"a\0b\"", 5, NULL), TRIT_BAD_JSON);
}

static void test_depth(void)
{
    char text[80];
    for (size_t depth = 31; depth <= 34; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        TRIT_CHECK_EQ_I(parse(text, 2 * depth, NULL), depth <= 32 ? TRIT_OK : TRIT_BAD_JSON);
    }
    /* Deep and unfinished: the scan must not recurse with the text. */
    size_t n = 1000000;
    char *deep = malloc(n);
    memset(deep, '[', n);
    TRIT_CHECK_EQ_I(parse(deep, n, NULL), TRIT_BAD_JSON);
    free(deep);
}

static void test_values(void)
{
    static const char text[] =
        " {\"a\": [1, -2.5e1, \"x\\n\\u00e9\\ud83d\\ude00\\/\", true, false, null],\t"
        "\"b\": {\"a\": {}, \"c\": []}, \"\": 0,\r\n \"i\": 9007199254740992 } ";
    tritx_json json;
    TRIT_CHECK_EQ_I(tritx_json_parse(text, sizeof text - 1, &json, NULL), TRIT_OK);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json.root, "a");
    TRIT_CHECK_EQ_I(cJSON_GetArraySize(list), 6);
    TRIT_CHECK(cJSON_GetNumberValue(cJSON_GetArrayItem(list, 1)) == -25.0);
    const char *string = cJSON_GetStringValue(cJSON_GetArrayItem(list, 2));
    TRIT_CHECK(string && strcmp(string, "x\n\xc3\xa9\xf0\x9f\x98\x80/") == 0);
    TRIT_CHECK(cJSON_GetObjectItemCaseSensitive(json.root, "b") != NULL);
    int64_t value = 0;
    TRIT_CHECK(tritx_json_int(json.root, "i", 0, INT64_MAX, &value) && value == 9007199254740992);
    tritx_json_free(&json);
    TRIT_CHECK(json.root == NULL);
    /* The hooks are put back: cJSON allocates for others as before. */
    cJSON *other = cJSON_Parse("[1,2]");
    TRIT_CHECK(other != NULL);
    cJSON_Delete(other);
}

/* The pre-scan must measure exactly enough for every length of string and number. */
static void test_arena(void)
{
    char text[400];
    for (size_t n = 0; n < 100; n++) {
        size_t at = 0;
        text[at++] = '[';
        for (int i = 0; i < 3; i++) {
            text[at++] = '"';
            memset(text + at, 'x', n);
            at += n;
            text[at++] = '"';
            text[at++] = i < 2 ? ',' : ']';
        }
        TRIT_CHECK_EQ_I(parse(text, at, NULL), TRIT_OK);
        if (n == 0) continue;
        memset(text, '1', n);
        TRIT_CHECK_EQ_I(parse(text, n, NULL), n <= 64 ? TRIT_OK : TRIT_BAD_JSON);
    }
}

static void test_int(void)
{
    static const char text[] =
        "{\"a\":5,\"b\":5.5,\"c\":\"5\",\"d\":1e300,\"e\":-3,\"f\":1e400,\"g\":true,"
        "\"h\":9007199254740994}";
    tritx_json json;
    int64_t v = 77;
    TRIT_CHECK_EQ_I(tritx_json_parse(text, sizeof text - 1, &json, NULL), TRIT_OK);
    TRIT_CHECK(tritx_json_int(json.root, "a", 5, 5, &v) && v == 5);
    v = 77;
    TRIT_CHECK(!tritx_json_int(json.root, "a", 6, 9, &v));
    for (const char *key = "bcdfghz"; *key; key++) {
        char name[2] = {*key, 0};
        TRIT_CHECK(!tritx_json_int(json.root, name, INT64_MIN, INT64_MAX, &v));
    }
    TRIT_CHECK_EQ_I(v, 77);
    TRIT_CHECK(tritx_json_int(json.root, "e", -3, 0, &v) && v == -3);
    TRIT_CHECK(!tritx_json_int(NULL, "e", -3, 0, &v));
    tritx_json_free(&json);
}

/* 200,000 keys, once different and once with one twin at the far ends. */
static void test_many_keys(void)
{
    enum { KEYS = 200000 };
    char *text = malloc(KEYS * 16 + 64);
    for (int twin = 0; twin < 2; twin++) {
        size_t n = 0;
        text[n++] = '{';
        for (int i = 0; i < KEYS; i++)
            n += (size_t)sprintf(text + n, "%s\"k%d\":%d", i ? "," : "",
                                 twin && i == KEYS - 1 ? 0 : i, i);
        text[n++] = '}';
        TRIT_CHECK_EQ_I(parse(text, n, NULL), twin ? TRIT_BAD_JSON : TRIT_OK);
    }
    free(text);
}

/* The same key in objects inside each other, where it is new each time. */
static void test_nested_keys(void)
{
    char text[256] = "0";
    for (int depth = 0; depth < 31; depth++) {
        size_t n = strlen(text);
        memmove(text + 5, text, n + 1);
        memcpy(text, "{\"a\":", 5);
        strcat(text, "}");
    }
    TRIT_CHECK_EQ_I(parse(text, strlen(text), NULL), TRIT_OK);
    static const char twin[] = "{\"a\":{\"a\":1,\"b\":{\"a\":1}},\"b\":{},\"a\":1}";
    trit_error err = {0};
    TRIT_CHECK_EQ_I(parse(twin, sizeof twin - 1, &err), TRIT_BAD_JSON);
    TRIT_CHECK_EQ_I(err.offset, 33);
}

/* Keys chosen so that all of them belong in one place are refused before they cost time. */
static void test_colliding_keys(void)
{
    enum { KEYS = 200, TABLE = 4096 };
    char text[KEYS * 24] = "{";
    size_t n = 1;
    int found = 0;
    for (int i = 0; found < KEYS; i++) {
        char key[16];
        uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, as json.c has it */
        sprintf(key, "%d", i);
        for (const char *p = key; *p; p++) hash = (hash ^ (uint8_t)*p) * 0x100000001b3u;
        if (((hash ^ hash >> 32) & (TABLE - 1)) != 7) continue;
        n += (size_t)sprintf(text + n, "%s\"%s\":0", found++ ? "," : "", key);
    }
    text[n++] = '}';
    trit_error err = {0};
    TRIT_CHECK_EQ_I(parse(text, n, &err), TRIT_BAD_JSON);
    TRIT_CHECK(strstr(err.message, "too many keys collide"));
}

static void test_truncations(void)
{
    static const char text[] =
        "{\"a\":[1.5e-3,\"\\ud83d\\ude00\xe2\x82\xac\"],\"b\":{\"c\":null,\"d\":[{}]}}";
    for (size_t n = 0; n < sizeof text - 1; n++)
        TRIT_CHECK_EQ_I(parse(text, n, NULL), TRIT_BAD_JSON);
    TRIT_CHECK_EQ_I(parse(text, sizeof text - 1, NULL), TRIT_OK);
}

int main(void)
{
    test_malformed();
    test_depth();
    test_values();
    test_arena();
    test_int();
    test_many_keys();
    test_nested_keys();
    test_colliding_keys();
    test_truncations();
    return TRIT_DONE();
}
