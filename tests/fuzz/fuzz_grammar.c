/* Grammars, whole texts of the input's own or grown from parts, and texts that follow them. */
#include "grammar_walk.h"

enum { MOST_DEPTH = 5 };

static void grow_rule(grown *text, input *in, int depth);

static void grow_part(grown *text, input *in, int depth)
{
    static const char *const leaves[] = {"\"a\"",
                                         "\"b\"",
                                         "\"ab\"",
                                         "\"aab\"",
                                         "\"\\xe2\\x82\"",
                                         "[ab]",
                                         "[^a]",
                                         ".",
                                         "[b-z\\u00e0-\\u07ff]",
                                         "[\\U0001F600-\\U0001F64F]",
                                         "root",
                                         "r-1",
                                         "r-2",
                                         "\"\"",
                                         "[]",
                                         "\"\\u20ac\"",
                                         "[^\\x00-\\U0010FFFE]",
                                         "r-3",
                                         "# note\n",
                                         "<a>"};
    static const char *const repeats[] = {"*",      "+",    "?",        "{2}",    "{0}",
                                          "{1,3}",  "{,2}", "{2,}",     "{7,20}", "{30}",
                                          "{0,60}", "{9,}", "{0,3000}", "{3,2}"};
    uint32_t kind = take(in, 1);
    if (kind < 160 || depth == MOST_DEPTH) GROW_ONE_OF(text, in, leaves);
    else {
        grow(text, "(");
        grow_rule(text, in, depth + 1);
        grow(text, ")");
    }
    if (kind & 1) GROW_ONE_OF(text, in, repeats);
    grow(text, " ");
}

static void grow_rule(grown *text, input *in, int depth)
{
    for (uint32_t more = 3; more && in->n; more = take(in, 1) & 3) {
        if (more == 2) grow(text, "| ");
        grow_part(text, in, depth);
    }
}

static void grow_grammar(grown *text, input *in)
{
    static const char *const names[] = {"root ::= ", "\nr-1 ::= ", "\nr-2 ::= ", "\nr-3 ::="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        grow(text, names[i]);
        grow_rule(text, in, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    grammar_walk walk = {.ended = false};
    walk_input(&walk, data, n, grow_grammar, trit_grammar_new, "");
    return 0;
}
