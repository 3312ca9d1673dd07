import { defaults } from './defaults.js';
import { TritError } from './errors.js';
import { writeTo } from './writing.js';
import { breathe } from './yield.js';

/**
 * What a running job looks at between two slices of work.
 * @typedef {{aborted: boolean, stop?: () => void}} Job stop: for who waits for something meanwhile
 */

/** Bytes of a saved session that are in the engine's memory at a time. */
const LOAD_BYTES = 1 << 20;

/** @param {Job} job */
export function throwIfStopped(job) {
    if (job.aborted) throw new TritError('ABORTED', 'the work was stopped by the caller');
}

/** The context of a model: which tokens are computed, and what waits. Opened at the first use. */
export class Session {
    #c;
    #model;
    #nVocab;
    #settings;
    #pool;
    #address = 0;
    #lastBreath = performance.now();

    /**
     * @param {import('./bindings.js').Bindings} c
     * @param {number} model
     * @param {number} nVocab
     * @param {{contextLength: number, kv: string, dense: boolean}} settings
     * @param {number} pool
     */
    constructor(c, model, nVocab, settings, pool) {
        this.#c = c;
        this.#model = model;
        this.#nVocab = nVocab;
        this.#settings = settings;
        this.#pool = pool;
    }

    /** @returns {number} the memory that it takes when it is open */
    get nBytes() {
        return this.#c.make('session_bytes', this.#model, ...this.#arguments());
    }

    /** @returns {[number, number, number]} */
    #arguments() {
        const kv = this.#c.constants.kv[this.#settings.kv];
        if (kv === undefined) throw new TritError('PARAM', 'kv is not one of f32, f16 and int8');
        return [this.#settings.contextLength, defaults.slice, kv];
    }

    /** @returns {number} its address */
    open() {
        this.#address ||= this.#c.make(
            'session_new',
            this.#model,
            ...this.#arguments(),
            this.#pool,
            Number(this.#settings.dense),
        );
        return this.#address;
    }

    free() {
        this.#c.plain('session_free', this.#address);
        this.#address = 0;
    }

    /**
     * @param {number[]} ids
     * @returns {number} how many were computed before
     */
    sync(ids) {
        const session = this.open();
        return this.#c.with(Int32Array.from(ids), (address, n) =>
            this.#c.make('session_sync', session, address, n),
        );
    }

    /** @param {number} id */
    append(id) {
        this.#c.call('session_append', this.#address, id);
    }

    /** Forgets all tokens. */
    rewind() {
        this.#c.call('session_rewind', this.open(), 0);
    }

    /**
     * Computes what is queued, and lets messages in now and then.
     * @param {Job} job
     */
    async run(job) {
        const c = this.#c;
        while (c.call('session_run', this.#address, defaults.budgetMs) === 'CONTINUE')
            await this.#breathe(job);
        if (performance.now() - this.#lastBreath >= defaults.budgetMs) await this.#breathe(job);
    }

    /** @param {Job} job */
    async #breathe(job) {
        await breathe();
        this.#lastBreath = performance.now();
        throwIfStopped(job);
    }

    /** @returns {number} how many tokens are computed or wait */
    get length() {
        return this.#c.plain('session_length', this.#address);
    }

    /** @param {import('./writing.js').Write} write gets what is computed, as bytes */
    save(write) {
        const session = this.open();
        writeTo(this.#c, write, () => this.#c.call('session_save', session));
    }

    /**
     * Takes the place of all tokens. When it fails, there are none.
     * @param {Uint8Array[]} pieces of what was saved, in order
     */
    load(pieces) {
        const c = this.#c;
        const session = this.open();
        c.call('session_load_begin', session);
        for (const piece of pieces)
            for (let at = 0; at < piece.length; at += LOAD_BYTES)
                c.with(piece.subarray(at, at + LOAD_BYTES), (address, n) =>
                    c.call('session_load_push', session, address, n),
                );
        c.call('session_load_finish', session);
    }

    /** @returns {number[]} the tokens, in order */
    ids() {
        const address = this.#c.plain('session_ids', this.#address) >>> 0;
        return Array.from(this.#c.words(address, this.length));
    }

    /** @returns {Float32Array} of the last token: a copy */
    logits() {
        const address = this.#c.plain('session_logits', this.#address) >>> 0;
        return Float32Array.from(this.#c.floats(address, this.#nVocab));
    }

    /**
     * The logits after each token, some positions at a time. The rows are a view of the engine's
     * memory and die with the next step.
     * @param {number[]} ids
     * @param {Job} job
     * @returns {AsyncGenerator<{first: number, n: number, rows: Float32Array}>}
     */
    async *rows(ids, job) {
        const c = this.#c;
        this.sync(ids); // refuses what is too long or unknown before anything is computed
        this.rewind();
        const memory = c.alloc(4 * defaults.slice * this.#nVocab);
        try {
            for (let first = 0; first < ids.length; first += defaults.slice) {
                const n = Math.min(defaults.slice, ids.length - first);
                c.plain('session_collect', this.#address, memory, first, n, this.#nVocab);
                this.sync(ids.slice(0, first + n));
                await this.run(job);
                yield { first, n, rows: c.floats(memory, n * this.#nVocab) };
            }
        } finally {
            c.plain('session_collect', this.#address, 0, 0, 0, 0);
            c.free(memory);
        }
    }
}
