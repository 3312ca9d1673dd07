/* Runs a program over bytes.
 *
 * A state is the set of all places at which the text so far can stand, each with the frame it returns to. What calls
 * a rule at one place of the text is one frame, however many callers there are, so an ambiguous grammar costs as
 * much as Earley's items, not as much as it has readings. A call whose return would do nothing but return makes no
 * frame of its own, so lists and blanks written by recursion cost none. States and frames are kept by what they
 * hold, and what a byte makes of a state is remembered: a deterministic automaton grows where the text goes. */
#include "grammar.h"

#include <stdlib.h>

enum {
    MOST_PAIRS = 1 << 20, /* of states, or of frames; then those out of use are forgotten */
    MOST_NEXT = 1 << 21,  /* entries of transitions */
    FIRST_SLOTS = 1 << 8
};

typedef struct {
    tritx_pair back;
    uint32_t next; /* 1 + another call of the same rule */
} call;

/* ---- sets ---- */

static int compare(tritx_pair a, tritx_pair b)
{
    if (a.pc != b.pc) return a.pc < b.pc ? -1 : 1;
    return a.frame < b.frame ? -1 : a.frame > b.frame;
}

static int by_pair(const void *a, const void *b)
{
    return compare(*(const tritx_pair *)a, *(const tritx_pair *)b);
}

/* Sorts, and leaves one of equals; returns how many. */
static uint32_t order(tritx_pair *pairs, uint32_t n)
{
    enum { FEW = 16 };
    if (n > FEW) qsort(pairs, n, sizeof *pairs, by_pair);
    for (uint32_t i = 1; n <= FEW && i < n; i++) {
        tritx_pair moving = pairs[i];
        uint32_t at = i;
        for (; at && compare(pairs[at - 1], moving) > 0; at--) pairs[at] = pairs[at - 1];
        pairs[at] = moving;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!kept || compare(pairs[kept - 1], pairs[i]) != 0) pairs[kept++] = pairs[i];
    return kept;
}

static uint32_t mix(uint32_t hash, uint32_t value)
{
    hash = (hash ^ value) * 0x9e3779b1u;
    return hash ^ hash >> 15;
}

static uint32_t hash_pairs(const tritx_pair *pairs, uint32_t n)
{
    uint32_t hash = n;
    for (uint32_t i = 0; i < n; i++) hash = mix(mix(hash, pairs[i].pc), pairs[i].frame);
    return hash;
}

static const tritx_pair *set_pairs(const tritx_sets *sets, uint32_t set, uint32_t *n)
{
    const uint32_t *ends = sets->ends.items;
    uint32_t begin = set ? ends[set - 1] : 0;
    *n = ends[set] - begin;
    return *n ? (const tritx_pair *)sets->pairs.items + begin : NULL;
}

static bool fill_slots(tritx_sets *sets, uint32_t n_slots)
{
    uint32_t *slots = calloc(n_slots, sizeof *slots), n;
    if (!slots) return false;
    free(sets->slots);
    sets->slots = slots;
    sets->n_slots = n_slots;
    for (uint32_t set = 0; set < sets->ends.n; set++) {
        const tritx_pair *pairs = set_pairs(sets, set, &n);
        uint32_t at = hash_pairs(pairs, n);
        while (slots[at & (n_slots - 1)]) at++;
        slots[at & (n_slots - 1)] = set + 1;
    }
    return true;
}

/* The number of a set of sorted pairs, new if there was none; false without memory. */
static bool intern(tritx_sets *sets, const tritx_pair *pairs, uint32_t n, uint32_t *set)
{
    if (sets->ends.n * 2 >= sets->n_slots &&
        !fill_slots(sets, sets->n_slots ? sets->n_slots * 2 : FIRST_SLOTS))
        return false;
    uint32_t at = hash_pairs(pairs, n), n_other;
    for (; sets->slots[at & (sets->n_slots - 1)]; at++) {
        *set = sets->slots[at & (sets->n_slots - 1)] - 1;
        const tritx_pair *other = set_pairs(sets, *set, &n_other);
        if (n == n_other && (n == 0 || memcmp(pairs, other, n * sizeof *pairs) == 0)) return true;
    }
    for (uint32_t i = 0; i < n; i++) {
        tritx_pair *made = tritx_list_add(&sets->pairs, sizeof *made);
        if (!made) return false;
        *made = pairs[i];
    }
    uint32_t *end = tritx_list_add(&sets->ends, sizeof *end);
    if (!end) return false;
    *end = sets->pairs.n;
    *set = sets->ends.n - 1;
    sets->slots[at & (sets->n_slots - 1)] = *set + 1;
    return true;
}

static void free_sets(tritx_sets *sets)
{
    free(sets->pairs.items);
    free(sets->ends.items);
    free(sets->slots);
}

/* ---- a step ---- */

/* What would be too many pairs uses all work up. */
static bool push(tritx_machine *m, tritx_list *list, tritx_pair pair)
{
    if (list->n >= MOST_PAIRS) {
        m->work = 0;
        return true;
    }
    tritx_pair *item = tritx_list_add(list, sizeof *item);
    if (item) *item = pair;
    return item != NULL;
}

static bool grow_seen(tritx_machine *m)
{
    uint32_t n = m->n_seen ? m->n_seen * 2 : FIRST_SLOTS;
    tritx_pair *seen = calloc(n, sizeof *seen);
    uint32_t *stamps = calloc(n, sizeof *stamps);
    if (!seen || !stamps) {
        free(seen);
        free(stamps);
        return false;
    }
    for (uint32_t i = 0; i < m->n_seen; i++) {
        if (m->seen_stamp[i] != m->stamp) continue;
        uint32_t at = mix(mix(0, m->seen[i].pc), m->seen[i].frame);
        while (stamps[at & (n - 1)]) at++;
        seen[at & (n - 1)] = m->seen[i];
        stamps[at & (n - 1)] = m->stamp;
    }
    free(m->seen);
    free(m->seen_stamp);
    m->seen = seen;
    m->seen_stamp = stamps;
    m->n_seen = n;
    return true;
}

/* Puts a place on the list of what is to be followed, once a step. */
static bool visit(tritx_machine *m, uint32_t pc, uint32_t frame)
{
    if (pc != TRITX_END && !m->program->code[pc].alive) return true;
    if (m->n_taken * 2 >= m->n_seen && !grow_seen(m)) return false;
    uint32_t at = mix(mix(0, pc), frame);
    for (; m->seen_stamp[at & (m->n_seen - 1)] == m->stamp; at++) {
        const tritx_pair *other = &m->seen[at & (m->n_seen - 1)];
        if (other->pc == pc && other->frame == frame) return true;
    }
    m->seen[at & (m->n_seen - 1)] = (tritx_pair){pc, frame};
    m->seen_stamp[at & (m->n_seen - 1)] = m->stamp;
    m->n_taken++;
    return push(m, &m->todo, (tritx_pair){pc, frame});
}

static bool note_call(tritx_machine *m, uint32_t rule, tritx_pair back)
{
    call *made = tritx_list_add(&m->calls, sizeof *made);
    uint32_t rank = m->program->rank[rule];
    if (!made) return false;
    *made = (call){back, m->first_call[rule]};
    m->first_call[rule] = m->calls.n;
    m->waiting[rank / 64] |= (uint64_t)1 << rank % 64;
    return true;
}

/* Goes back to all callers. */
static bool leave(tritx_machine *m, uint32_t frame)
{
    uint32_t n;
    const tritx_pair *callers = set_pairs(&m->frames, frame, &n);
    m->work -= n < m->work ? n : m->work;
    for (uint32_t i = 0; i < n; i++)
        if (!visit(m, callers[i].pc, callers[i].frame)) return false;
    return true;
}

/* Follows what is to be followed up to the next bytes. A rule that has just begun does not end here: who called it
 * has gone on past it, if it can be empty. */
static bool follow(tritx_machine *m, bool just_begun)
{
    bool fine = true;
    while (m->todo.n && fine && m->work) {
        tritx_pair here = ((tritx_pair *)m->todo.items)[--m->todo.n];
        const tritx_instruction *i = here.pc == TRITX_END ? NULL : &m->program->code[here.pc];
        m->work--;
        if (!i || i->op == TRITX_BYTE) fine = push(m, &m->found, here);
        else if (i->op == TRITX_RETURN) fine = just_begun || leave(m, here.frame);
        else if (i->op == TRITX_INVOKE) {
            fine = note_call(m, i->other, (tritx_pair){i->next, here.frame});
            if (m->program->nullable[i->other]) fine &= visit(m, i->next, here.frame);
        } else {
            fine = visit(m, i->next, here.frame);
            if (i->op == TRITX_SPLIT) fine &= visit(m, i->other, here.frame);
        }
    }
    m->todo.n = 0;
    return fine;
}

/* The frame of all calls of a rule. */
static bool join_callers(tritx_machine *m, uint32_t rule, uint32_t *frame)
{
    bool fine = true;
    m->edges.n = 0;
    for (uint32_t i = m->first_call[rule]; i && fine; i = ((call *)m->calls.items)[i - 1].next) {
        tritx_pair back = ((call *)m->calls.items)[i - 1].back;
        if (back.pc == TRITX_END || m->program->code[back.pc].op != TRITX_RETURN) {
            fine = push(m, &m->edges, back);
            continue;
        }
        uint32_t n;
        const tritx_pair *callers = set_pairs(&m->frames, back.frame, &n);
        m->work -= n < m->work ? n : m->work;
        for (uint32_t k = 0; k < n && fine; k++) fine = push(m, &m->edges, callers[k]);
    }
    m->first_call[rule] = 0;
    if (!fine) return false;
    m->edges.n = order(m->edges.items, m->edges.n);
    if (m->frames.pairs.n > 2 * MOST_PAIRS) m->work = 0;
    return intern(&m->frames, m->edges.items, m->edges.n, frame);
}

/* Begins the rules that are called, callers first. */
static bool begin_rules(tritx_machine *m)
{
    const tritx_program *p = m->program;
    bool fine = true;
    for (uint32_t word = 0; word <= p->n_rules / 64; word++)
        while (m->waiting[word]) {
            uint32_t bit = (uint32_t)__builtin_ctzll(m->waiting[word]), frame;
            uint32_t rule = p->by_rank[word * 64 + bit];
            m->waiting[word] &= m->waiting[word] - 1;
            /* after a failure only the scratch is left clean */
            fine = fine && m->work && join_callers(m, rule, &frame) &&
                   visit(m, p->code[p->starts[rule]].next, frame) && follow(m, true);
            m->first_call[rule] = 0;
        }
    return fine;
}

static void begin_step(tritx_machine *m)
{
    m->found.n = m->calls.n = m->n_taken = 0;
    if (++m->stamp == 0) {
        memset(m->seen_stamp, 0, m->n_seen * sizeof *m->seen_stamp);
        m->stamp = 1;
    }
}

static trit_status no_memory(trit_error *err)
{
    return tritx_fail(err, TRIT_OOM, 0, "no memory for the states of the grammar");
}

static trit_status too_ambiguous(trit_error *err)
{
    return tritx_fail(err, TRIT_BAD_GRAMMAR, 0,
                      "the text can be read in too many ways, or is nested too deeply: make the "
                      "grammar less ambiguous");
}

/* The state of what was found. */
static bool intern_state(tritx_machine *m, uint32_t *state)
{
    m->found.n = order(m->found.items, m->found.n);
    if (!intern(&m->states, m->found.items, m->found.n, state)) return false;
    while (m->next.n < m->states.ends.n * m->program->n_classes)
        if (!tritx_list_add(&m->next, sizeof(uint32_t))) return false;
    return true;
}

/* Follows all that was visited, and makes a state of it. */
static trit_status end_step(tritx_machine *m, uint32_t *state, trit_error *err)
{
    bool fine = follow(m, false);
    fine &= begin_rules(m);
    if (m->work == 0) return too_ambiguous(err);
    if (!fine) return no_memory(err);
    return intern_state(m, state) ? TRIT_OK : no_memory(err);
}

/* ---- forgetting ---- */

/* Keeps the sets that are marked, in their order, and tells their new numbers. Those of frames change with them. */
static void keep_sets(tritx_sets *sets, uint32_t *numbers, const uint32_t *frames)
{
    uint32_t kept = 0, n_pairs = 0, begin = 0;
    uint32_t *ends = sets->ends.items;
    tritx_pair *pairs = sets->pairs.items;
    for (uint32_t set = 0; set < sets->ends.n; set++) {
        uint32_t end = ends[set];
        for (uint32_t i = begin; numbers[set] && i < end; i++, n_pairs++) {
            pairs[n_pairs] = pairs[i];
            if (pairs[i].pc != TRITX_END) pairs[n_pairs].frame = frames[pairs[i].frame];
        }
        begin = end;
        if (!numbers[set]) continue;
        numbers[set] = kept;
        ends[kept++] = n_pairs;
    }
    sets->ends.n = kept;
    sets->pairs.n = n_pairs;
}

static void mark_frames(const tritx_sets *sets, uint32_t set, uint32_t *frames)
{
    uint32_t n;
    const tritx_pair *pairs = set_pairs(sets, set, &n);
    for (uint32_t i = 0; i < n; i++)
        if (pairs[i].pc != TRITX_END) frames[pairs[i].frame] = 1;
}

/* Forgets all states but those of the path up to `at`, and all frames that they do not lead to. A frame has a higher
 * number than those it leads to, and order is kept, so that sets stay sorted. */
static trit_status forget(tritx_machine *m, uint32_t at, trit_error *err)
{
    uint32_t *states = calloc(m->states.ends.n, sizeof *states);
    uint32_t *frames = calloc(m->frames.ends.n, sizeof *frames);
    bool fine = states && frames;
    if (fine) {
        states[TRITX_DEAD] = 1;
        for (uint32_t i = 0; i <= at; i++) states[m->path[i]] = 1;
        for (uint32_t i = 0; i < m->states.ends.n; i++)
            if (states[i]) mark_frames(&m->states, i, frames);
        for (uint32_t i = m->frames.ends.n; i-- > 0;)
            if (frames[i]) mark_frames(&m->frames, i, frames);
        keep_sets(&m->frames, frames, frames);
        keep_sets(&m->states, states, frames);
        for (uint32_t i = 0; i <= at; i++) m->path[i] = states[m->path[i]];
        fine = fill_slots(&m->frames, m->frames.n_slots);
        fine = fine && fill_slots(&m->states, m->states.n_slots);
        m->next.n = m->states.ends.n * m->program->n_classes;
        memset(m->next.items, 0, m->next.n * sizeof(uint32_t));
        m->alike.n = 0;
        m->generation++;
    }
    free(states);
    free(frames);
    if (!fine) return no_memory(err);
    bool full = m->states.pairs.n > MOST_PAIRS / 2 || m->frames.pairs.n > MOST_PAIRS / 2 ||
                m->next.n > MOST_NEXT / 2;
    return full ? too_ambiguous(err) : TRIT_OK;
}

/* ---- states that are alike ---- */

/* The pairs of a set, each in the place of those that are alike to it. */
static bool copy_alike(tritx_machine *m, const tritx_sets *sets, uint32_t set, tritx_list *copy)
{
    const uint32_t *frames = m->alike.items;
    uint32_t n;
    const tritx_pair *pairs = set_pairs(sets, set, &n);
    copy->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        tritx_pair *made = tritx_list_add(copy, sizeof *made);
        if (!made) return false;
        *made = pairs[i];
        if (pairs[i].pc != TRITX_END)
            *made = (tritx_pair){m->program->alike[pairs[i].pc], frames[pairs[i].frame]};
    }
    return true;
}

/* The frame that is alike to the first one of which that is not known. Those it leads to have lower numbers. */
static bool find_frame(tritx_machine *m)
{
    uint32_t frame = m->alike.n, alike;
    if (!copy_alike(m, &m->frames, frame, &m->edges)) return false;
    m->edges.n = order(m->edges.items, m->edges.n);
    if (!intern(&m->frames, m->edges.items, m->edges.n, &alike)) return false;
    uint32_t *made = tritx_list_add(&m->alike, sizeof *made);
    if (made) *made = alike;
    return made != NULL;
}

trit_status tritx_machine_alike(tritx_machine *machine, uint32_t state, uint32_t *alike,
                                trit_error *err)
{
    *alike = state;
    if (!machine->program->alike) return TRIT_OK;
    while (machine->alike.n < machine->frames.ends.n)
        if (!find_frame(machine)) return no_memory(err);
    bool fine = copy_alike(machine, &machine->states, state, &machine->found);
    return fine && intern_state(machine, alike) ? TRIT_OK : no_memory(err);
}

/* ---- the machine ---- */

trit_status tritx_machine_step(tritx_machine *machine, uint32_t at, uint8_t byte, trit_error *err)
{
    const tritx_program *p = machine->program;
    uint32_t n, state;
    if (machine->states.pairs.n > MOST_PAIRS || machine->frames.pairs.n > MOST_PAIRS ||
        machine->next.n > MOST_NEXT)
        TRIT_TRY(forget(machine, at, err));
    begin_step(machine);
    const tritx_pair *pairs = set_pairs(&machine->states, machine->path[at], &n);
    machine->work -= n < machine->work ? n : machine->work;
    for (uint32_t i = 0; i < n && pairs[i].pc != TRITX_END; i++) {
        const tritx_instruction *read = &p->code[pairs[i].pc];
        if (byte < read->low || byte > read->high) continue;
        if (!visit(machine, read->next, pairs[i].frame)) return no_memory(err);
    }
    TRIT_TRY(end_step(machine, &state, err));
    ((uint32_t *)machine->next.items)[machine->path[at] * p->n_classes + p->classes[byte]] =
        state + 1;
    machine->path[at + 1] = state;
    return TRIT_OK;
}

bool tritx_machine_can_end(const tritx_machine *machine, uint32_t state)
{
    uint32_t n;
    const tritx_pair *pairs = set_pairs(&machine->states, state, &n);
    return n && pairs[n - 1].pc == TRITX_END; /* sorted last */
}

bool tritx_machine_must_end(const tritx_machine *machine, uint32_t state)
{
    uint32_t n;
    const tritx_pair *pairs = set_pairs(&machine->states, state, &n);
    return n == 1 && pairs[0].pc == TRITX_END;
}

static trit_status begin(tritx_machine *m, trit_error *err)
{
    static const tritx_pair end = {TRITX_END, 0};
    uint32_t frame, state;
    m->work = TRITX_GRAMMAR_WORK;
    if (!intern(&m->frames, &end, 1, &frame)) return no_memory(err);
    begin_step(m);
    TRIT_TRY(end_step(m, &state, err)); /* nothing was visited: the dead one */
    begin_step(m);
    if (!note_call(m, 0, (tritx_pair){TRITX_END, 0})) return no_memory(err);
    if (m->program->nullable[0] && !visit(m, TRITX_END, 0)) return no_memory(err);
    return end_step(m, &m->path[0], err);
}

trit_status tritx_machine_new(tritx_machine *machine, const tritx_program *program, uint32_t most,
                              trit_error *err)
{
    tritx_machine m = {.program = program, .n_path = most + 1};
    m.path = calloc((size_t)m.n_path, sizeof *m.path);
    m.first_call = calloc((size_t)program->n_rules, sizeof *m.first_call);
    m.waiting = calloc((size_t)program->n_rules / 64 + 1, sizeof *m.waiting);
    trit_status status = m.path && m.first_call && m.waiting ? begin(&m, err) : no_memory(err);
    if (status == TRIT_OK) *machine = m;
    else tritx_machine_free(&m);
    return status;
}

void tritx_machine_free(tritx_machine *machine)
{
    free_sets(&machine->states);
    free_sets(&machine->frames);
    free(machine->next.items);
    free(machine->alike.items);
    free(machine->path);
    free(machine->todo.items);
    free(machine->found.items);
    free(machine->edges.items);
    free(machine->calls.items);
    free(machine->first_call);
    free(machine->waiting);
    free(machine->seen);
    free(machine->seen_stamp);
}
