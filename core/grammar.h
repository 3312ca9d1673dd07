/* The inside of a grammar: a tree of what was written, the program it becomes, and the machine that runs it
 * over bytes.
 *
 * A text (grammar_text.c) or a JSON schema (grammar_schema.c) becomes the tree, the tree a program
 * (grammar_code.c) of small non-deterministic automata, one a rule, which call each other. The machine
 * (grammar_machine.c) makes of them, while it runs, a deterministic one with a stack; grammar.c asks it which tokens
 * may follow. */
#ifndef TRIT_GRAMMAR_H
#define TRIT_GRAMMAR_H

#include "base.h"
#include "vocabulary.h"

enum {
    TRITX_GRAMMAR_TEXT = 1 << 20,    /* bytes of a grammar or a schema */
    TRITX_GRAMMAR_NODES = 1 << 18,   /* of the tree */
    TRITX_GRAMMAR_CODE = 1 << 18,    /* instructions */
    TRITX_GRAMMAR_RULES = 1 << 16,   /* with those that the program adds */
    TRITX_GRAMMAR_NESTING = 64,      /* groups in groups */
    TRITX_GRAMMAR_REPEATS = 1 << 16, /* of a part */
    TRITX_GRAMMAR_WORK = 1 << 24     /* places that are looked at for one token */
};
#define TRITX_NO_END UINT32_MAX /* of repeats */
#define TRITX_LAST_POINT 0x10ffffu

/* An array that grows. */
typedef struct {
    void *items;
    uint32_t n, capacity;
} tritx_list;
/* The next of the items, which are all of this size, zeros; NULL when there is no memory. */
void *tritx_list_add(tritx_list *list, size_t size);

/* ---- tree ---- */

typedef enum {
    TRITX_NOTHING,  /* the empty text: node 0 */
    TRITX_LITERAL,  /* b bytes from a on */
    TRITX_CLASS,    /* one character of b ranges from a on */
    TRITX_CALL,     /* rule a */
    TRITX_SEQUENCE, /* the children, of which a is the first */
    TRITX_CHOICE,   /* one of them */
    TRITX_REPEAT    /* a, b to c times */
} tritx_node_kind;

typedef struct {
    uint32_t kind, a, b, c;
    uint32_t next; /* sibling; 0 = none */
} tritx_node;

typedef struct {
    uint32_t low, high; /* code points, both included */
} tritx_points;

typedef struct {
    uint32_t name, n_name; /* bytes of the tree's; 0: it has none */
    uint32_t node;
    uint32_t place; /* of its first mention */
    bool defined;
} tritx_rule;

/* The first failure stands in `status` and err, and nothing that follows matters any more. */
typedef struct {
    tritx_list nodes;  /* tritx_node */
    tritx_list points; /* tritx_points */
    tritx_list bytes;  /* uint8_t */
    tritx_list rules;  /* tritx_rule; the first is the root */
    uint32_t *names;   /* 1 + rule by its name's hash */
    uint32_t n_names;  /* a power of two */
    trit_status refusal;
    trit_status status;
    trit_error *err;
} tritx_tree;

/* What is refused gets the status `refusal`. */
trit_status tritx_tree_begin(tritx_tree *tree, trit_status refusal, trit_error *err);
void tritx_tree_free(tritx_tree *tree);
/* Notes the failure, if it is the first. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void
tritx_tree_fail(tritx_tree *tree, uint64_t place, const char *format, ...);
void tritx_tree_no_memory(tritx_tree *tree);

uint32_t tritx_tree_literal(tritx_tree *tree, const void *bytes, size_t n);
uint32_t tritx_tree_class(tritx_tree *tree, const tritx_points *points, uint32_t n);
/* Sorts ranges and joins those that touch; returns how many are left. */
uint32_t tritx_points_join(tritx_points *points, uint32_t n);
/* All others in the place of joined ones; needs room for one more. */
uint32_t tritx_points_invert(tritx_points *points, uint32_t n);
uint32_t tritx_tree_call(tritx_tree *tree, uint32_t rule);
uint32_t tritx_tree_repeat(tritx_tree *tree, uint32_t node, uint32_t low, uint32_t high);
/* Puts a node behind the others of a group, which is 0 before the first of them; kind SEQUENCE or CHOICE. */
typedef struct {
    tritx_node_kind kind;
    uint32_t node, last;
} tritx_group;
void tritx_tree_add(tritx_tree *tree, tritx_group *group, uint32_t node);
/* A rule without a name. */
uint32_t tritx_tree_rule(tritx_tree *tree);
/* The rule of this name, new when there was none. */
uint32_t tritx_tree_named(tritx_tree *tree, const char *name, size_t n, uint32_t place);
void tritx_tree_define(tritx_tree *tree, uint32_t rule, uint32_t node);

/* Adds the rules of a text to the tree. The root is the rule of that name, and all that are named must be there. */
trit_status tritx_grammar_read(tritx_tree *tree, const char *text, size_t n_bytes);
/* Adds the rules of a text that may name others. */
void tritx_grammar_rules(tritx_tree *tree, const char *text, size_t n_bytes);
/* Adds rules of which the root is exactly JSON that a schema allows (not all of it: see grammar_schema.c). */
trit_status tritx_grammar_schema(tritx_tree *tree, const char *json, size_t n_bytes);

/* ---- program ---- */

typedef enum {
    TRITX_BYTE,   /* low ... high, then next */
    TRITX_SPLIT,  /* next or other */
    TRITX_JUMP,   /* next */
    TRITX_INVOKE, /* rule `other`, then next */
    TRITX_ENTER,  /* the first of rule `other` */
    TRITX_RETURN, /* the last of a rule */
    TRITX_FAIL    /* nothing can follow */
} tritx_op;

typedef struct {
    uint8_t op, low, high;
    bool alive; /* the end of the rule can be reached */
    uint32_t next, other;
} tritx_instruction;

typedef struct {
    tritx_instruction *code;
    uint32_t n_code, n_rules;
    uint32_t *starts;  /* [n_rules] its ENTER */
    bool *nullable;    /* [n_rules] whether it can be empty */
    uint32_t *rank;    /* [n_rules] those that a rule can begin with have higher ones than itself */
    uint32_t *by_rank; /* [n_rules] */
    /* [n_code] an instruction from which the next TRITX_BRIEF_TOKEN bytes can be the same; NULL: each only from itself */
    uint32_t *alike;
    uint8_t classes[256]; /* bytes that no instruction tells apart have one class */
    uint8_t sample[256];  /* a byte of each class */
    uint32_t n_classes;
} tritx_program;

/* The program of a whole tree. Left recursion, what never ends, and what is too large is refused. */
trit_status tritx_program_new(tritx_tree *tree, tritx_program *program);
void tritx_program_free(tritx_program *program);

/* ---- machine ---- */

/* A set of pairs, sorted. Of a state: what may be read next (pc of a BYTE) and the frame to return to. Of a frame:
 * where each caller goes on, and its own frame. END in the place of a pc is the end of the grammar. */
typedef struct {
    uint32_t pc, frame;
} tritx_pair;
#define TRITX_END UINT32_MAX

typedef struct { /* sets, each once: equal ones have equal numbers */
    tritx_list pairs;
    tritx_list ends;  /* uint32_t: where each set ends in pairs */
    uint32_t *slots;  /* 1 + number, by hash */
    uint32_t n_slots; /* a power of two */
} tritx_sets;

enum { TRITX_DEAD = 0 }; /* the state without a pair */

typedef struct {
    const tritx_program *program;
    tritx_sets states, frames;
    tritx_list next; /* uint32_t [states][n_classes], 1 + state; 0: not known yet */
    /* States that are in use, and stay so when others are forgotten: path[0] is where the machine stands. */
    uint32_t *path; /* [n_path] */
    uint32_t n_path;
    uint32_t
        generation; /* counts how often states were forgotten, which gives all of them new numbers */
    tritx_list alike; /* uint32_t, of the first frames: those they are alike to */
    uint64_t work;    /* left until the grammar is refused as too ambiguous */
    /* scratch of a step */
    tritx_list todo, found, edges; /* tritx_pair */
    tritx_list calls;     /* one of the present step: pair to return to, and the next of the rule */
    uint32_t *first_call; /* [n_rules] 1 + call */
    uint64_t *waiting;    /* bits of ranks whose rules are called */
    tritx_pair *seen;     /* [n_seen] by hash */
    uint32_t *seen_stamp, stamp, n_seen, n_taken;
} tritx_machine;

/* Stands at the beginning. most: how many bytes path needs room for. OOM. */
trit_status tritx_machine_new(tritx_machine *machine, const tritx_program *program, uint32_t most,
                              trit_error *err);
void tritx_machine_free(tritx_machine *machine);
/* path[at + 1] becomes what `byte` makes of path[at], which `next` does not know yet. May forget all states that are not in path[0 ... at].
 * BAD_GRAMMAR when it takes too much work or memory, OOM. */
trit_status tritx_machine_step(tritx_machine *machine, uint32_t at, uint8_t byte, trit_error *err);
/* A state from which the same texts of TRITX_BRIEF_TOKEN bytes can be read, the same one for all in the middle of counted
 * repeats; whether the grammar can end is another matter. OOM. */
trit_status tritx_machine_alike(tritx_machine *machine, uint32_t state, uint32_t *alike,
                                trit_error *err);
/* Whether the grammar can end in this state; whether it must. */
bool tritx_machine_can_end(const tritx_machine *machine, uint32_t state);
bool tritx_machine_must_end(const tritx_machine *machine, uint32_t state);

#endif
