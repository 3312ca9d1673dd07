import { Chat } from './chat.js';
import { diagnoseModel } from './diagnostics.js';
import { TritError } from './errors.js';
import { Generation } from './generation.js';
import { checkGenerate, checkIds, checkInteger, checkOptions, checkPrompt } from './params.js';
import { Meter } from './progress.js';
import { SHARED } from './protocol.js';
import { renderTemplate } from './template.js';

/** @typedef {import('./diagnostics.js').Diagnostics} Diagnostics */
/** @typedef {import('./protocol.js').ModelInfo} ModelInfo */
/** @typedef {import('./protocol.js').Prompt} Prompt */
/** @typedef {import('./protocol.js').Score} Score */
/** @typedef {import('./params.js').GenerateOptions} GenerateOptions */

/** @typedef {string | ArrayLike<number> | {messages: import('./protocol.js').Message[]}} PromptLike */

/**
 * A model in its worker. Made by `Trit.load`. Calls are worked off one after the other. When the engine crashes,
 * they fail with ENGINE_CRASHED, and a new engine gets the same model: the next call waits for it.
 */
export class Model {
    #engine;
    #startTemplateWorker;
    #diagnose;

    /**
     * @param {import('./restarting.js').Restarting | import('./sharing.js').Sharing} engine
     * @param {() => import('./client.js').Endpoint} startTemplateWorker
     * @param {() => Promise<Diagnostics>} diagnose
     */
    constructor(engine, startTemplateWorker, diagnose) {
        this.#engine = engine;
        this.#startTemplateWorker = startTemplateWorker;
        this.#diagnose = diagnose;
    }

    /** @returns {Readonly<ModelInfo>} of the engine that is there now */
    get info() {
        return this.#engine.info;
    }

    /**
     * Goes on where the prompt ends. A text gets the model's BOS in front; ids are taken as they
     * are.
     * @param {PromptLike} prompt
     * @param {GenerateOptions} [options]
     * @returns {Generation}
     */
    generate(prompt, options = {}) {
        return this.#generate(prompt, options, SHARED);
    }

    /**
     * @param {PromptLike} prompt
     * @param {GenerateOptions} options
     * @param {number} context
     */
    #generate(prompt, options, context) {
        const params = checkGenerate(options);
        const checked = checkPrompt(prompt);
        return new Generation(async (signal, onPiece) => {
            const rendered = await this.#rendered(checked);
            if (signal.aborted)
                return this.#call('generate', [
                    rendered,
                    { ...params, maxTokens: 0 },
                    context,
                ]).then(asAborted);
            const args = [rendered, params, context];
            return this.#call('generate', args, { signal, onEvent: onPiece });
        }, options.signal);
    }

    /**
     * A conversation whose template is a program is rendered on this side.
     * @param {Prompt} prompt
     * @returns {Promise<Prompt>}
     */
    async #rendered(prompt) {
        if (!('messages' in prompt) || this.info.template !== 'jinja') return prompt;
        if (prompt.messages.length === 0) throw new TritError('PARAM', 'chat: there is no message');
        const own = await this.#call('template', []);
        return { parts: await renderTemplate(this.#startTemplateWorker, own, prompt.messages) };
    }

    /**
     * A conversation by the model's own template.
     * @param {{system?: string, history?: import('./protocol.js').Message[]}} [options] history: of a
     *   conversation that goes on, system message included
     * @returns {Chat}
     */
    chat(options = {}) {
        /** @type {import('./chat.js').ChatEngine} */
        const engine = {
            generate: (...args) => this.#generate(...args),
            save: (...args) => this.#save(...args),
            newContext: () => this.#engine.newContext(),
            dropContext: (context) => this.#call('dropContext', [context]),
        };
        return new Chat(engine, checkOptions(options));
    }

    /**
     * Bytes with which `loadSession` goes on after a prompt without computing it again: about
     * `info.sessionBytes / info.contextLength` for each of its tokens. What of it is not computed yet is computed
     * first.
     * @param {PromptLike} prompt as in `generate`
     * @param {{signal?: AbortSignal}} [options]
     * @returns {Promise<Uint8Array>}
     */
    async saveSession(prompt, options = {}) {
        return this.#save(prompt, checkOptions(options), SHARED);
    }

    /**
     * @param {PromptLike} prompt
     * @param {{signal?: AbortSignal}} options
     * @param {number} context
     */
    async #save(prompt, { signal }, context) {
        const rendered = await this.#rendered(checkPrompt(prompt));
        /** @type {Uint8Array[]} */
        const pieces = [];
        await this.#call('saveSession', [rendered, context], {
            signal,
            onEvent: (bytes) => pieces.push(bytes),
        });
        return join(pieces);
    }

    /**
     * Takes what `saveSession` gave, in this visit or another, for the same model and kind of KV cache. The next
     * `generate` or `chat` whose prompt begins with these tokens computes only what follows them. Bytes of another
     * model or KV type are OTHER_SESSION, damaged ones BAD_SESSION.
     * @param {Uint8Array} bytes
     * @param {{signal?: AbortSignal}} [options]
     * @returns {Promise<number[]>} the tokens
     */
    async loadSession(bytes, options = {}) {
        const { signal } = checkOptions(options);
        if (!(bytes instanceof Uint8Array))
            throw new TritError('PARAM', 'the saved session is no Uint8Array');
        return this.#call('loadSession', [bytes], { signal });
    }

    /**
     * How many tokens `generate` would give the model for this prompt, BOS and template included.
     * @param {PromptLike} prompt as in `generate`
     * @param {{signal?: AbortSignal}} [options]
     * @returns {Promise<number>}
     */
    async countTokens(prompt, options = {}) {
        const { signal } = checkOptions(options);
        return this.#call('countTokens', [await this.#rendered(checkPrompt(prompt))], { signal });
    }

    /**
     * @param {string} text
     * @param {{special?: boolean, bos?: boolean, signal?: AbortSignal}} [options] special: special
     *   tokens in the text are recognised; bos: BOS comes first
     * @returns {Promise<number[]>}
     */
    async tokenize(text, options = {}) {
        const { special, bos, signal } = checkOptions(options);
        const flags = { special: Boolean(special), bos: Boolean(bos) };
        return this.#call('tokenize', [checkText(text), flags], { signal });
    }

    /**
     * The text of these tokens; special tokens have none.
     * @param {ArrayLike<number>} ids
     * @param {{signal?: AbortSignal}} [options]
     * @returns {Promise<string>}
     */
    async detokenize(ids, options = {}) {
        const { signal } = checkOptions(options);
        return this.#call('detokenize', [checkIds(ids)], { signal });
    }

    /**
     * What each of these tokens adds to a text, which need not be whole characters; of special tokens nothing.
     * @param {ArrayLike<number>} ids
     * @param {{signal?: AbortSignal}} [options]
     * @returns {Promise<Uint8Array[]>}
     */
    async tokenBytes(ids, options = {}) {
        const { signal } = checkOptions(options);
        return this.#call('tokenBytes', [checkIds(ids)], { signal });
    }

    /**
     * The logits after the last token, or after each one (row-major).
     * @param {ArrayLike<number>} ids
     * @param {{all?: boolean, signal?: AbortSignal}} [options]
     * @returns {Promise<Float32Array>}
     */
    async logits(ids, options = {}) {
        const { all, signal } = checkOptions(options);
        const checked = checkIds(ids);
        /** @type {any} */
        let logits;
        let filled = 0;
        /** @param {Float32Array} rows */
        const onEvent = (rows) => {
            // not before the engine has found that the ids fit the context
            logits ??= new Float32Array((all ? checked.length : 1) * this.info.nVocab);
            logits.set(rows, filled);
            filled += rows.length;
        };
        await this.#call('logits', [checked, Boolean(all)], { signal, onEvent });
        return logits;
    }

    /**
     * How well the model foretells a text: its tokens in windows that fit the context, BOS before
     * each, every other token scored once.
     * @param {string | Uint8Array} text
     * @param {{signal?: AbortSignal, onProgress?: (progress: import('./progress.js').Progress<'score'>) => void}} [options]
     * @returns {Promise<Score>}
     */
    async score(text, options = {}) {
        const { signal, onProgress } = checkOptions(options);
        const meter = new Meter(onProgress, 'score');
        return this.#call('score', [checkText(text)], {
            signal,
            onEvent: ({ loaded, total }) => meter.advance(loaded, total),
        });
    }

    /**
     * Times one prefill and the decode steps after it.
     * @param {{prefill: number, decode: number, signal?: AbortSignal}} options
     * @returns {Promise<{prefillMs: number, decodeMs: number, memoryBytes: number}>}
     */
    async measure(options) {
        const { prefill, decode, signal } = checkOptions(options);
        const lengths = [checkInteger('prefill', prefill, 1), checkInteger('decode', decode, 0)];
        return this.#call('measure', lengths, { signal });
    }

    /**
     * What to tell with a report of an error: this runtime and what it can do, the engine, storage, and shape and
     * memory of the model. Plain JSON, without prompts, addresses and names of files. Also of an engine that is
     * busy or dead.
     * @returns {Promise<Diagnostics & {model: import('./diagnostics.js').ModelDiagnostics}>}
     */
    async diagnostics() {
        const [here, model] = await Promise.all([this.#diagnose(), diagnoseModel(this.#engine)]);
        return { ...here, model };
    }

    /** Ends the worker and frees all memory. What is still running fails with DISPOSED. */
    close() {
        this.#engine.close();
    }

    /**
     * @param {import('./protocol.js').Op} op
     * @param {any[]} args
     * @param {import('./client.js').CallOptions} [options]
     */
    #call(op, args, options) {
        return this.#engine.call(op, args, options);
    }
}

/**
 * @param {any} text
 * @returns {string | Uint8Array}
 */
function checkText(text) {
    if (typeof text === 'string' || text instanceof Uint8Array) return text;
    throw new TritError('PARAM', 'the text is not a string');
}

/** @param {import('./protocol.js').GenerateResult} result */
const asAborted = (result) => ({ ...result, finish: /** @type {const} */ ('abort') });

/** @param {Uint8Array[]} pieces */
function join(pieces) {
    const bytes = new Uint8Array(pieces.reduce((n, piece) => n + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
        bytes.set(piece, at);
        at += piece.length;
    }
    return bytes;
}
