import { Answer, History } from './answer.js';
import { Bindings } from './bindings.js';
import { defaults } from './defaults.js';
import { TritError } from './errors.js';
import { startModule } from './flavours.js';
import { selfTest } from './selftest.js';
import { TextJoiner } from './stream.js';
import { breathe } from './yield.js';

/** @typedef {{aborted: boolean}} Job what a running job looks at between two slices of work */
/** @typedef {import('./params.js').GenerateParams} GenerateParams */
/** @typedef {import('./protocol.js').ModelInfo} ModelInfo */
/** @typedef {import('./protocol.js').GenerateResult} GenerateResult */
/** @typedef {import('./protocol.js').Prompt} Prompt */
/** @typedef {import('./protocol.js').Settings} Settings */

/** What every model of text has met much of. */
const sample = 'She went to the park with her mother and her dog. The sun was warm. She was happy.';

/** @param {Job} job */
function throwIfStopped(job) {
    if (job.aborted) throw new TritError('ABORTED', 'the work was stopped by the caller');
}

/**
 * The worker's side: one module, one model, one session. The generate loop lives here.
 */
export class Engine {
    #choice;
    #c;
    #loader = 0;
    #model = 0;
    #pool = 0;
    #session = 0;
    /** @type {any} */
    #config = null;
    #settings = { contextLength: 0, dense: false, kv: /** @type {string} */ (defaults.kv) };
    /** The kernels that are fastest on this processor, and those that the model is for. */
    #fastest = '';
    #kernels = '';
    #lastBreath = performance.now();

    /**
     * @param {import('./features.js').Choice} choice
     * @param {any} module
     */
    constructor(choice, module) {
        this.#choice = choice;
        this.#c = new Bindings(module);
    }

    /** @param {import('./features.js').Choice} choice */
    static async start(choice) {
        try {
            const engine = new Engine(choice, await startModule(choice));
            if (engine.#c.relaxed) selfTest(engine.#c);
            engine.#fastest = engine.#c.tune();
            return engine;
        } catch (error) {
            throw TritError.from(error, 'RUNTIME_LOAD');
        }
    }

    // ---- loading and writing ----

    /** @param {{head?: string, kernels?: string, i2s?: string}} options as in LoadOptions */
    beginLoad({ head = 'as-is', kernels = this.#fastest, i2s = 'x86' }) {
        const value = this.#c.constants.head[head];
        const layout = this.#c.constants.i2s[i2s];
        if (value === undefined) throw new TritError('PARAM', 'head is not one of int8 and f16');
        if (layout === undefined)
            throw new TritError('PARAM', 'i2s is not one of x86, arm and rows');
        this.#kernels = kernels;
        this.#loader = this.#c.with(kernels, (text) => this.#c.make('loader_new', value, text));
        this.#c.call('loader_i2_s', this.#loader, layout);
        this.#c.call('loader_pool', this.#loader, this.#openPool());
    }

    /**
     * @param {string} name
     * @param {string | Uint8Array} text
     */
    side(name, text) {
        const side = this.#c.constants.side[name];
        if (side === undefined) throw new TritError('PARAM', `there is no side file "${name}"`);
        try {
            this.#c.with(text, (address, n) =>
                this.#c.call('loader_side', this.#loader, side, address, n),
            );
        } catch (error) {
            const { code, message } = TritError.from(error, 'ENGINE_CRASHED');
            // it tells a place, but not in which of the files
            throw code === 'BAD_JSON' ? new TritError(code, `${name}: ${message}`) : error;
        }
    }

    /** @param {string} name of the file that is pushed next */
    shard(name) {
        this.#c.with(name, (text) => this.#c.call('loader_shard', this.#loader, text));
    }

    /** @param {Uint8Array} bytes */
    push(bytes) {
        this.#c.with(bytes, (address, n) => this.#c.call('loader_push', this.#loader, address, n));
    }

    /**
     * @param {Settings} settings
     * @param {Job} job
     */
    async finishLoad(settings, job) {
        const model = this.#c.make('loader_finish', this.#loader);
        this.#c.plain('loader_free', this.#loader);
        this.#loader = 0;
        const info = this.#open(model, settings);
        if (!this.#c.plain('model_is_i2_s', model) || !(await this.#readsLikeNoise(job)))
            return info;
        const warning =
            'the weights read like noise: if the model is a trained one, its I2_S is in another ' +
            'layout, i2s arm or rows';
        return { ...this.#info(), warning };
    }

    /**
     * Weights read in a wrong layout foretell text no better than chance, and nothing else tells.
     * @param {Job} job
     */
    async #readsLikeNoise(job) {
        const ids = this.tokenize(sample, {});
        if (ids.length >= this.#settings.contextLength) return false;
        const { perplexity } = await this.score(sample, job, () => {});
        this.#c.call('session_rewind', this.#session, 0);
        return perplexity > this.#config.nVocab / 4;
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
        return this.#open(model, settings);
    }

    /**
     * @param {number} model
     * @param {Settings} settings
     */
    #open(model, { contextLength, kv = defaults.kv, dense = false, template }) {
        this.#model = model;
        if (template !== undefined)
            this.#c.with(template, (text) => this.#c.call('model_set_template', model, text));
        this.#config = JSON.parse(this.#c.string('model_info', model));
        this.#settings = { contextLength: contextLength ?? this.#config.nCtx, kv, dense };
        return this.#info();
    }

    /** @returns {ModelInfo} */
    #info() {
        const { threads, flavour, note } = this.#choice;
        const card = this.#c.string('model_card', this.#model);
        return {
            ...this.#config,
            ...this.#settings,
            card: card ? JSON.parse(card) : {},
            kernels: this.#kernels,
            sessionBytes: this.#c.make('session_bytes', this.#model, ...this.#sessionArguments()),
            memoryBytes: this.#c.buffer.byteLength,
            threads,
            flavour,
            ...(note ? { note } : {}),
        };
    }

    /**
     * Writes the packed file.
     * @param {string | null} card a JSON object as text
     * @param {(bytes: Uint8Array) => void} write gets copies, in order
     */
    write(card, write) {
        this.#writeTo(write, () => {
            if (card === null) this.#c.call('model_write', this.#model, 0);
            else this.#c.with(card, (text) => this.#c.call('model_write', this.#model, text));
        });
    }

    /**
     * Writes the model, or a file of its folder, in the container of others.
     * @param {string} what tq2_0, i2_s, or the file's name
     * @param {(bytes: Uint8Array) => void} write gets copies, in order
     */
    export(what, write) {
        const value = this.#c.constants.export[what];
        this.#writeTo(write, () => this.#c.call('model_export', this.#model, value));
    }

    /**
     * @param {(bytes: Uint8Array) => void} write
     * @param {() => void} work
     */
    #writeTo(write, work) {
        /** @type {unknown} */
        let failure;
        this.#c.sink = (address, n) => {
            try {
                write(this.#c.copy(address, n));
                return 0;
            } catch (error) {
                failure = error; // an exception must not unwind the frames of C
                return 1;
            }
        };
        try {
            work();
        } catch (error) {
            throw failure ?? error;
        }
    }

    close() {
        this.#c.plain('session_free', this.#session);
        this.#c.plain('loader_free', this.#loader);
        this.#c.plain('model_free', this.#model);
        this.#c.plain('pool_free', this.#pool);
        this.#session = this.#pool = this.#model = this.#loader = 0;
    }

    // ---- text ----

    /**
     * @param {string | Uint8Array} text
     * @param {{special?: boolean, bos?: boolean}} options
     */
    tokenize(text, { special = false, bos = false }) {
        const { tokenize } = this.#c.constants;
        const flags = (special ? tokenize.special : 0) | (bos ? tokenize.bos : 0);
        return this.#c.with(text, (address, n) =>
            this.#c.ids('tokenize', [this.#model, address, n, flags], n + 1),
        );
    }

    /** @param {number[]} ids */
    detokenize(ids) {
        const joiner = new TextJoiner();
        const text = ids.map((id) => this.#textOf(joiner, id)).join('') + joiner.flush();
        return this.#config.spaceFirst ? text.replace(/^ /, '') : text;
    }

    /** What renders a conversation when the engine does not. */
    template() {
        const { bosId, stopIds } = this.#config;
        /** @param {number | undefined} id */
        const textOf = (id) =>
            id === undefined || id < 0
                ? ''
                : new TextDecoder().decode(this.#c.tokenBytes(this.#model, id).bytes);
        return {
            template: this.#c.string('model_template', this.#model),
            bosToken: textOf(bosId),
            eosToken: textOf(stopIds[0]),
        };
    }

    /** @param {string[]} parts as a rendered template gives them */
    #tokenizeParts(parts) {
        const c = this.#c;
        const { bytes, ends } = joinTexts(parts);
        return c.with(bytes, (text, n) =>
            c.with(ends, (e) =>
                c.ids('tokenize_parts', [this.#model, text, e, parts.length], n + 1),
            ),
        );
    }

    /**
     * @param {TextJoiner} joiner
     * @param {number} id
     */
    #textOf(joiner, id) {
        const { bytes, special } = this.#c.tokenBytes(this.#model, id);
        return special ? '' : joiner.push(bytes);
    }

    /** @param {import('./protocol.js').Message[]} messages */
    #render(messages) {
        const c = this.#c;
        const { bytes: all, ends } = joinTexts(messages.map(({ content }) => content));
        /** @type {(names: string[], addresses: number[]) => number[]} */
        const withRoles = (names, addresses) => {
            if (names.length > 0)
                return c.with(names[0], (name) => withRoles(names.slice(1), [...addresses, name]));
            const byName = Uint32Array.from(messages, ({ role }) => addresses[roles.indexOf(role)]);
            return c.with(byName, (role) =>
                c.with(all, (text) =>
                    c.with(ends, (e) =>
                        c.ids(
                            'chat_render',
                            [this.#model, role, text, e, messages.length],
                            all.length + 64,
                        ),
                    ),
                ),
            );
        };
        const roles = [...new Set(messages.map(({ role }) => role))];
        return withRoles(roles, []);
    }

    /** @param {Prompt} prompt */
    #promptIds(prompt) {
        if ('ids' in prompt) return prompt.ids;
        if ('messages' in prompt) return this.#render(prompt.messages);
        if ('parts' in prompt) return this.#tokenizeParts(prompt.parts);
        return this.tokenize(prompt.text, { bos: this.#config.addBos });
    }

    // ---- computing ----

    /** @returns {[number, number, number]} */
    #sessionArguments() {
        const kv = this.#c.constants.kv[this.#settings.kv];
        if (kv === undefined) throw new TritError('PARAM', 'kv is not one of f32, f16 and int8');
        return [this.#settings.contextLength, defaults.slice, kv];
    }

    /** @returns {number} 0 for a single thread */
    #openPool() {
        const { threads } = this.#choice;
        if (threads > 1) this.#pool ||= this.#c.make('pool_new', threads);
        return this.#pool;
    }

    #openSession() {
        if (this.#session) return this.#session;
        this.#session = this.#c.make(
            'session_new',
            this.#model,
            ...this.#sessionArguments(),
            this.#openPool(),
            Number(this.#settings.dense),
        );
        return this.#session;
    }

    /**
     * @param {number[]} ids
     * @returns {number} how many were computed before
     */
    #sync(ids) {
        const session = this.#openSession();
        return this.#c.with(Int32Array.from(ids), (address, n) =>
            this.#c.make('session_sync', session, address, n),
        );
    }

    /**
     * Computes what is queued, and lets messages in now and then.
     * @param {Job} job
     */
    async #run(job) {
        const c = this.#c;
        while (c.call('session_run', this.#session, defaults.budgetMs) === 'CONTINUE')
            await this.#breathe(job);
        if (performance.now() - this.#lastBreath >= defaults.budgetMs) await this.#breathe(job);
    }

    /** @param {Job} job */
    async #breathe(job) {
        await breathe();
        this.#lastBreath = performance.now();
        throwIfStopped(job);
    }

    /** @param {GenerateParams} p */
    #newSampler(p) {
        const c = this.#c;
        const ids = Int32Array.from(p.logitBias, ([id]) => id);
        const values = Float32Array.from(p.logitBias, ([, value]) => value);
        const low = Number(p.seed & 0xffffffffn);
        const high = Number(p.seed >> 32n);
        return c.with(ids, (biasIds, n) =>
            c.with(values, (biasValues) =>
                c.make(
                    'sampler_new',
                    ...[this.#model, p.temperature, p.topK, p.topP, p.minP, p.repeatPenalty],
                    ...[p.frequencyPenalty, p.presencePenalty, p.penaltyLast, low, high],
                    ...[biasIds, biasValues, n],
                ),
            ),
        );
    }

    /**
     * @param {Prompt} prompt
     * @param {GenerateParams} params
     * @param {Job} job
     * @param {(text: string) => void} emit
     * @returns {Promise<GenerateResult>}
     */
    async generate(prompt, params, job, emit) {
        const promptIds = this.#promptIds(prompt);
        if (promptIds.length === 0) throw new TritError('PARAM', 'the prompt is empty');
        const out = new Answer(params.stop, emit);
        /** @type {GenerateResult['finish']} */
        let finish = 'abort';
        const sampler = this.#newSampler(params);
        const history = new History(this.#c, promptIds, this.#settings.contextLength);
        const clock = { begin: performance.now(), prompt: 0, end: 0 };
        let cachedTokens = 0;
        try {
            cachedTokens = this.#sync(promptIds);
            const limit = Math.min(
                params.maxTokens ?? Infinity,
                // the last token of a full context has logits, so one more can be drawn
                this.#settings.contextLength - promptIds.length + 1,
            );
            throwIfStopped(job);
            if (limit > 0) await this.#run(job);
            clock.prompt = performance.now();
            finish = await this.#decode(sampler, history, limit, job, out);
        } catch (error) {
            if (!(error instanceof TritError && error.code === 'ABORTED')) throw error;
        } finally {
            this.#c.plain('sampler_free', sampler);
            history.free();
        }
        clock.end = performance.now();
        clock.prompt ||= clock.end;
        out.finish();
        return {
            promptIds,
            ids: out.ids,
            text: out.text,
            finish,
            usage: {
                promptTokens: promptIds.length,
                cachedTokens,
                completionTokens: out.ids.length,
            },
            timings: { promptMs: clock.prompt - clock.begin, decodeMs: clock.end - clock.prompt },
        };
    }

    /**
     * @param {number} sampler
     * @param {History} history
     * @param {number} limit
     * @param {Job} job
     * @param {Answer} out
     * @returns {Promise<'stop' | 'length'>}
     */
    async #decode(sampler, history, limit, job, out) {
        while (out.ids.length < limit) {
            const id =
                this.#c.make(
                    'sampler_draw',
                    ...[sampler, this.#session, history.address, history.length],
                ) | 0;
            if (this.#config.stopIds.includes(id)) return 'stop';
            const { bytes, special } = this.#c.tokenBytes(this.#model, id);
            out.push(id, special ? new Uint8Array() : bytes);
            if (out.stopped) return 'stop';
            if (out.ids.length === limit) break;
            history.push(id);
            this.#c.call('session_append', this.#session, id);
            await this.#run(job);
        }
        return 'length';
    }

    /**
     * The logits after each token, some positions at a time. The rows are a view of the engine's
     * memory and die with the next step.
     * @param {number[]} ids
     * @param {Job} job
     * @returns {AsyncGenerator<{first: number, n: number, rows: Float32Array}>}
     */
    async *#rows(ids, job) {
        const c = this.#c;
        const { nVocab } = this.#config;
        this.#sync(ids); // refuses what is too long or unknown before anything is computed
        c.call('session_rewind', this.#session, 0);
        const memory = c.alloc(4 * defaults.slice * nVocab);
        try {
            for (let first = 0; first < ids.length; first += defaults.slice) {
                const n = Math.min(defaults.slice, ids.length - first);
                c.plain('session_collect', this.#session, memory, first, n, nVocab);
                this.#sync(ids.slice(0, first + n));
                await this.#run(job);
                yield { first, n, rows: c.floats(memory, n * nVocab) };
            }
        } finally {
            c.plain('session_collect', this.#session, 0, 0, 0, 0);
            c.free(memory);
        }
    }

    /**
     * @param {number[]} ids
     * @param {boolean} all
     * @param {Job} job
     * @param {(rows: Float32Array) => void} emit gets copies: [n, nVocab], in order
     */
    async logits(ids, all, job, emit) {
        if (ids.length === 0) throw new TritError('PARAM', 'there are no ids');
        if (all) {
            for await (const { rows } of this.#rows(ids, job)) emit(Float32Array.from(rows));
            return;
        }
        this.#sync(ids);
        await this.#run(job);
        const address = this.#c.plain('session_logits', this.#session) >>> 0;
        emit(Float32Array.from(this.#c.floats(address, this.#config.nVocab)));
    }

    /**
     * How well the model foretells a text: its tokens are cut into windows that fit the context,
     * BOS before each, and every other token is scored once.
     * @param {string | Uint8Array} text
     * @param {Job} job
     * @param {(loaded: number, total: number) => void} onProgress
     * @returns {Promise<import('./protocol.js').Score>}
     */
    async score(text, job, onProgress) {
        const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
        const ids = this.tokenize(bytes, {});
        const prefix = this.#config.bosId >= 0 ? [this.#config.bosId] : [];
        const window = this.#settings.contextLength - 1;
        let tokens = 0;
        let nats = 0;
        for (let begin = 0; begin < ids.length && window > 0; begin += window) {
            const sequence = [...prefix, ...ids.slice(begin, begin + window)];
            for await (const { first, n, rows } of this.#rows(sequence, job)) {
                for (let i = 0; i < n && first + i + 1 < sequence.length; i++) {
                    nats += surprise(
                        rows,
                        i * this.#config.nVocab,
                        this.#config.nVocab,
                        sequence[first + i + 1],
                    );
                    tokens++;
                }
            }
            onProgress(Math.min(begin + window, ids.length), ids.length);
        }
        if (tokens === 0) throw new TritError('PARAM', 'the text has no tokens to score');
        return {
            tokens,
            bytes: bytes.length,
            bitsPerByte: nats / Math.LN2 / bytes.length,
            perplexity: Math.exp(nats / tokens),
        };
    }

    /**
     * Milliseconds of one prefill and of the decode steps after it.
     * @param {number} nPrefill
     * @param {number} nDecode
     * @param {Job} job
     */
    async measure(nPrefill, nDecode, job) {
        const { nVocab } = this.#config;
        // any ids do, since the work does not depend on them
        const ids = Array.from({ length: nPrefill }, (_, i) => (i * 7919) % nVocab);
        this.#openSession();
        this.#c.call('session_rewind', this.#session, 0);
        this.#sync(ids);
        const begin = performance.now();
        await this.#run(job);
        const middle = performance.now();
        for (let i = 0; i < nDecode; i++) {
            this.#c.call('session_append', this.#session, ((nPrefill + i) * 7919) % nVocab);
            await this.#run(job);
        }
        return {
            prefillMs: middle - begin,
            decodeMs: performance.now() - middle,
            memoryBytes: this.#c.buffer.byteLength,
        };
    }
}

/**
 * The bytes of some texts, one after the other, and where each ends.
 * @param {string[]} texts
 */
function joinTexts(texts) {
    const encoder = new TextEncoder();
    const encoded = texts.map((text) => encoder.encode(text));
    let end = 0;
    const ends = Uint32Array.from(encoded, (text) => (end += text.length));
    const bytes = new Uint8Array(end);
    encoded.forEach((text, i) => bytes.set(text, ends[i] - text.length));
    return { bytes, ends };
}

/**
 * -ln of the probability of a token.
 * @param {Float32Array} rows
 * @param {number} begin
 * @param {number} n
 * @param {number} id
 */
function surprise(rows, begin, n, id) {
    let largest = -Infinity;
    for (let i = begin; i < begin + n; i++) if (rows[i] > largest) largest = rows[i];
    let sum = 0;
    for (let i = begin; i < begin + n; i++) sum += Math.exp(rows[i] - largest);
    return Math.log(sum) + largest - rows[begin + id];
}
