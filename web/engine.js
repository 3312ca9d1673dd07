import { Bindings } from './bindings.js';
import { Contexts } from './contexts.js';
import { decode } from './decoding.js';
import { defaults } from './defaults.js';
import { TritError } from './errors.js';
import { startModule } from './flavours.js';
import { forgetfulStore } from './forgetful-store.js';
import { Loading } from './loading.js';
import { MOST_BYTES, mega } from './memory.js';
import { SHARED } from './protocol.js';
import { readsLikeNoise, score } from './scoring.js';
import { selfTest } from './selftest.js';
import { Session } from './session.js';
import { Storing } from './storing.js';
import { Text } from './text.js';
import { writeExport, writePacked } from './writing.js';

/** Failures of a storage that is not there, in private windows and strict browsers, or broken. */
const NO_STORE = ['NO_STORAGE', 'DB_BROKEN', 'STORAGE'];

/** @typedef {import('./session.js').Job} Job */
/** @typedef {import('./protocol.js').ModelInfo} ModelInfo */
/** @typedef {import('./protocol.js').Settings} Settings */

/**
 * @typedef {object} OpenModel
 * @property {number} model its address
 * @property {any} config
 * @property {{contextLength: number, kv: string, dense: boolean}} settings
 * @property {Text} text
 * @property {Session} session
 * @property {Contexts} contexts
 */

/**
 * Whether the engine says that the bytes are no model, or not the right one.
 * @param {unknown} error
 */
const isRefusal = (error) =>
    error instanceof TritError &&
    /^(NOT_A_MODEL|TRUNCATED|TRAILING_BYTES|UNSUPPORTED|HASH|BAD_\w+|(MISSING|UNKNOWN)_TENSOR)$/.test(
        error.code,
    );

/** The worker's side: one module, one model, one session. What it does stands in the other modules. */
export class Engine {
    #choice;
    #c;
    #pool = 0;
    #model = 0;
    /** @type {Loading} between beginLoad and finishLoad */
    #loading;
    /** @type {Storing | undefined} between openStored and the end of finishLoad */
    #storing;
    /** @type {OpenModel} once there is one; nothing else is asked for before */
    #open;
    /** The kernels that are fastest on this processor, and those that the model is for. */
    #fastest = '';
    #kernels = '';
    /** @type {Settings | undefined} until it is known whether there is memory for the context, too */
    #unchecked;

    /**
     * @param {import('./features.js').Choice} choice
     * @param {any} module
     */
    constructor(choice, module) {
        this.#choice = choice;
        this.#c = new Bindings(module);
    }

    /**
     * @param {import('./features.js').Choice} choice
     * @param {() => any} [openStore] where there is no IndexedDB
     */
    static async start(choice, openStore) {
        try {
            const engine = new Engine(choice, await startModule(choice));
            if (openStore) engine.#c.store = openStore();
            if (engine.#c.relaxed) selfTest(engine.#c);
            engine.#fastest = engine.#c.tune();
            return engine;
        } catch (error) {
            throw TritError.from(error, 'RUNTIME_LOAD');
        }
    }

    // ---- the model ----

    /**
     * @param {{head?: string, kernels?: string, i2s?: string, settings?: Settings, planOnly?: boolean}} options as
     *   in LoadOptions; planOnly: nothing is loaded
     */
    beginLoad({ head, kernels = this.#fastest, i2s, settings = {}, planOnly }) {
        this.#kernels = kernels;
        this.#loading?.free(); // of a stored import that turned out damaged
        this.#loading = new Loading(this.#c, { head, kernels, i2s }, this.#openPool());
        this.#unchecked = planOnly ? undefined : settings;
        if (planOnly) this.#loading.planOnly();
    }

    /**
     * @param {keyof typeof import('./source.js').sideFiles} name
     * @param {string | Uint8Array} text
     */
    side(name, text) {
        this.#loading.side(name, text);
    }

    /** @param {string} name of the file that is pushed next */
    shard(name) {
        this.#loading.shard(name);
    }

    /**
     * @param {Uint8Array} bytes
     * @param {Job} job
     */
    async push(bytes, job) {
        const storing = this.#storing;
        if (!storing) this.#loading.push(bytes);
        else await this.#unlessRefused(job, () => storing.push(this.#loading.address, bytes, job));
        if (this.#unchecked && this.#loading.model) this.#checkRoom(this.#unchecked);
    }

    /**
     * What turns out to be no model is not kept, so that the next load asks for it anew.
     * @template T
     * @param {Job} job
     * @param {() => T | Promise<T>} work
     */
    async #unlessRefused(job, work) {
        try {
            return await work();
        } catch (error) {
            if (isRefusal(error)) {
                await this.#storing?.drop(job).catch(() => {});
                this.#storing = undefined;
            }
            throw error;
        }
    }

    /**
     * What is too large is refused before the rest of it comes: at the header, the memory of the weights is there.
     * @param {Settings} settings
     */
    #checkRoom(settings) {
        this.#unchecked = undefined;
        const { sessionBytes } = this.#shape(this.#loading.model, settings);
        const needed = this.#c.buffer.byteLength + sessionBytes;
        if (needed > MOST_BYTES)
            throw new TritError(
                'OOM',
                `the model and its context need ${mega(needed)} of memory, and ${mega(MOST_BYTES)} is all that ` +
                    'WebAssembly can have: choose a smaller contextLength or kv',
            );
    }

    /**
     * @param {number} model
     * @param {Settings} settings
     */
    #shape(model, { contextLength, kv = defaults.kv }) {
        const config = JSON.parse(this.#c.string('model_info', model));
        const settings = { contextLength: contextLength ?? config.nCtx, kv, dense: false };
        const { nBytes } = new Session(this.#c, model, config.nVocab, settings, 0);
        return { ...config, ...settings, sessionBytes: nBytes };
    }

    /**
     * What is known of the model whose header was pushed; null when not all of it was.
     * @param {Settings} settings
     */
    planned(settings) {
        const { model, nBytes } = this.#loading;
        if (!model) return null;
        const shape = this.#shape(model, settings);
        const card = this.#c.string('model_card', model);
        const memoryBytes =
            this.#c.buffer.byteLength + shape.modelBytes + shape.sessionBytes + nBytes;
        return { ...shape, card: card ? JSON.parse(card) : {}, memoryBytes };
    }

    /**
     * Random weights in the planned model's shape, but of fewer layers and ids, as the model to measure.
     * @param {number} nLayer
     * @param {number} nVocab
     * @param {Settings} settings
     */
    sample(nLayer, nVocab, settings) {
        const { model: of } = this.#loading;
        const model = this.#c.with(this.#kernels, (kernels) =>
            this.#c.make('model_sample', of, nLayer, nVocab, defaults.zeros, kernels),
        );
        this.#openModel(model, settings);
    }

    /**
     * What is loaded is kept in the store, or comes from there; without a store it is held against its hashes.
     * @param {{source: string, about: any, recordBytes: number, sha256?: string}} what
     * @param {Job} job
     * @returns {Promise<import('./protocol.js').Missing & {about: any, info: {stored: boolean, note?: string}}>}
     */
    async openStored(what, job) {
        const storing = new Storing(this.#c);
        let missing;
        try {
            await storing.open(what, job);
        } catch (error) {
            if (!(error instanceof TritError) || !NO_STORE.includes(error.code)) throw error;
            missing = `not stored: ${error.message}`;
            this.#c.store = forgetfulStore();
            await storing.open(what, job);
        }
        this.#storing = storing;
        const note = missing ?? this.#c.storeNote;
        const info = { stored: !missing, ...(note ? { note } : {}) };
        return { ...storing.missing(), about: storing.about(), info };
    }

    /**
     * @param {Job} job
     * @param {(event: {loaded: number}) => void} emit
     */
    readStored(job, emit) {
        const { address } = this.#loading;
        const tell = (/** @type {number} */ loaded) => emit({ loaded });
        return this.#unlessRefused(job, () => this.#storing?.read(address, job, tell));
    }

    /** @param {Job} job */
    resumeStored(job) {
        const { address } = this.#loading;
        return this.#unlessRefused(job, () => this.#storing?.resume(address, job));
    }

    /**
     * @param {number | undefined} total
     * @param {any} about
     */
    announce(total, about) {
        if (total !== undefined) this.#storing?.announce(total);
        this.#storing?.describe(about);
    }

    /** @param {Job} job */
    flushStored(job) {
        return this.#unlessRefused(job, () => this.#storing?.flush(job));
    }

    /** @param {Job} job */
    async settleStored(job) {
        const storing = this.#storing;
        this.#storing = undefined;
        try {
            await storing?.settle(job);
        } finally {
            await storing?.close();
        }
    }

    /**
     * All that is stored.
     * @param {Job} job
     * @returns {Promise<import('./protocol.js').StoredModel[]>}
     */
    async models(job) {
        return new Storing(this.#c).list(job);
    }

    /**
     * @param {string} id
     * @param {Job} job
     */
    async removeModel(id, job) {
        await new Storing(this.#c).remove(id, job);
    }

    /** @param {Job} job */
    async resetStore(job) {
        await new Storing(this.#c).reset(job);
    }

    /**
     * @param {Settings} settings
     * @param {Job} job
     * @param {(event: {stored: number}) => void} [emit]
     */
    async finishLoad(settings, job, emit) {
        const model = await this.#unlessRefused(job, () => this.#loading.finish());
        this.#loading.free();
        const open = this.#openModel(model, settings);
        const tell = (/** @type {number} */ stored) => emit?.({ stored });
        await this.#unlessRefused(job, () => this.#storing?.complete(model, job, tell));
        await this.#storing?.close();
        this.#storing = undefined;
        const doubt = this.#c.plain('model_is_i2_s', model) && (await readsLikeNoise(open, job));
        const warning =
            'the weights read like noise: if the model is a trained one, its I2_S is in another ' +
            'layout of i2s x86, arm and rows';
        return { ...this.#info(), ...(doubt ? { warning } : {}) };
    }

    /**
     * A model of this shape with random weights, for measurements. The context may be longer than
     * the shape's own.
     * @param {string} shape
     * @param {import('./protocol.js').RandomWeights} weights
     * @param {Settings} settings
     * @param {string} [kernels]
     */
    synthetic(shape, weights, settings, kernels = this.#fastest) {
        const { zeros = defaults.zeros, gateZeros = 0 } = weights;
        const { contextLength = 0 } = settings;
        this.#kernels = kernels;
        const model = this.#c.with(shape, (name) =>
            this.#c.with(kernels, (text) =>
                this.#c.make('model_synthetic', name, contextLength, zeros, gateZeros, text),
            ),
        );
        this.#openModel(model, settings);
        return this.#info();
    }

    /**
     * @param {number} model
     * @param {Settings} settings
     */
    #openModel(model, { contextLength, kv = defaults.kv, dense = false, template }) {
        const c = this.#c;
        this.#model = model;
        if (template !== undefined)
            c.with(template, (text) => c.call('model_set_template', model, text));
        const config = JSON.parse(c.string('model_info', model));
        const settings = { contextLength: contextLength ?? config.nCtx, kv, dense };
        const text = new Text(c, model, config);
        const session = new Session(c, model, config.nVocab, settings, this.#openPool());
        const contexts = new Contexts(session);
        this.#open = { model, config, settings, text, session, contexts };
        return this.#open;
    }

    /** @returns {number} 0 for a single thread */
    #openPool() {
        const { threads } = this.#choice;
        if (threads > 1) this.#pool ||= this.#c.make('pool_new', threads);
        return this.#pool;
    }

    /** @returns {ModelInfo} */
    #info() {
        const { threads, flavour, note } = this.#choice;
        const { config, settings, session } = this.#open;
        const card = this.#c.string('model_card', this.#model);
        return {
            ...config,
            ...settings,
            card: card ? JSON.parse(card) : {},
            kernels: this.#kernels,
            sessionBytes: session.nBytes,
            memoryBytes: this.#c.buffer.byteLength,
            threads,
            flavour,
            ...(note ? { note } : {}),
        };
    }

    /** What changes while a model is there. */
    diagnose() {
        return {
            memoryBytes: this.#c.buffer.byteLength,
            fastestKernels: this.#fastest,
            storeCalls: this.#c.storeCalls(),
        };
    }

    /**
     * Writes the packed file.
     * @param {string | null} card a JSON object as text; null keeps the model's own
     * @param {import('./writing.js').Write} write
     */
    write(card, write) {
        writePacked(this.#c, this.#model, card, write);
    }

    /**
     * Writes the model, or a file of its folder, in the container of others.
     * @param {string} what tq2_0, i2_s, or the file's name
     * @param {import('./writing.js').Write} write
     */
    export(what, write) {
        writeExport(this.#c, this.#model, what, write);
    }

    close() {
        this.#storing?.close();
        this.#open?.session.free();
        this.#loading?.free();
        this.#c.plain('model_free', this.#model);
        this.#c.plain('pool_free', this.#pool);
        this.#model = this.#pool = 0;
    }

    // ---- its use ----

    /**
     * @param {string | Uint8Array} text
     * @param {{special?: boolean, bos?: boolean}} options
     */
    tokenize(text, options) {
        return this.#open.text.tokenize(text, options);
    }

    /** @param {number[]} ids */
    detokenize(ids) {
        return this.#open.text.detokenize(ids);
    }

    /** @param {number[]} ids */
    tokenBytes(ids) {
        return ids.map((id) => this.#open.text.textBytes(id));
    }

    /** What renders a conversation when the engine does not. */
    template() {
        return this.#open.text.template();
    }

    /** @param {import('./protocol.js').Prompt} prompt */
    countTokens(prompt) {
        return this.#open.text.promptIds(prompt).length;
    }

    /**
     * @param {import('./protocol.js').Prompt} prompt
     * @param {import('./params.js').GenerateParams} params
     * @param {number} context whose turn it is
     * @param {Job} job
     * @param {(text: string) => void} emit
     */
    generate(prompt, params, context, job, emit) {
        this.#open.contexts.use(context);
        return decode(this.#c, this.#open, prompt, params, job, emit);
    }

    /** @returns {Session} with the context of all calls that have none of their own */
    #shared() {
        this.#open.contexts.use(SHARED);
        return this.#open.session;
    }

    /**
     * Computes what is not computed of a prompt, and saves it.
     * @param {import('./protocol.js').Prompt} prompt
     * @param {number} context
     * @param {Job} job
     * @param {import('./writing.js').Write} write
     */
    async saveSession(prompt, context, job, write) {
        const { contexts, session, text } = this.#open;
        const ids = text.promptIds(prompt);
        contexts.use(context);
        session.sync(ids);
        await session.run(job);
        session.save(write);
    }

    /** @param {Uint8Array} bytes */
    loadSession(bytes) {
        const session = this.#shared();
        session.load([bytes]);
        return session.ids();
    }

    /** @param {number} context */
    dropContext(context) {
        this.#open.contexts.drop(context);
    }

    /**
     * @param {number[]} ids
     * @param {boolean} all
     * @param {Job} job
     * @param {(rows: Float32Array) => void} emit gets copies: [n, nVocab], in order
     */
    async logits(ids, all, job, emit) {
        const session = this.#shared();
        if (ids.length === 0) throw new TritError('PARAM', 'there are no ids');
        if (all) {
            for await (const { rows } of session.rows(ids, job)) emit(Float32Array.from(rows));
            return;
        }
        session.sync(ids);
        await session.run(job);
        emit(session.logits());
    }

    /**
     * @param {string | Uint8Array} text
     * @param {Job} job
     * @param {(loaded: number, total: number) => void} onProgress
     */
    score(text, job, onProgress) {
        this.#shared();
        return score(this.#open, text, job, onProgress);
    }

    /**
     * Milliseconds of one prefill and of the decode steps after it.
     * @param {number} nPrefill
     * @param {number} nDecode
     * @param {Job} job
     */
    async measure(nPrefill, nDecode, job) {
        const { config, settings } = this.#open;
        // before a list of so many is made, which could end the process
        if (nPrefill > settings.contextLength)
            throw new TritError(
                'PROMPT_TOO_LONG',
                `${nPrefill} tokens do not fit the context of ${settings.contextLength}`,
            );
        const session = this.#shared();
        /** @param {number} i any ids do, since the work does not depend on them */
        const id = (i) => (i * 7919) % config.nVocab;
        session.rewind();
        session.sync(Array.from({ length: nPrefill }, (_, i) => id(i)));
        const begin = performance.now();
        await session.run(job);
        const middle = performance.now();
        for (let i = 0; i < nDecode; i++) {
            session.append(id(nPrefill + i));
            await session.run(job);
        }
        return {
            prefillMs: middle - begin,
            decodeMs: performance.now() - middle,
            memoryBytes: this.#c.buffer.byteLength,
        };
    }
}
