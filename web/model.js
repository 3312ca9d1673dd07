import { Chat } from './chat.js';
import { TritError } from './errors.js';
import { Generation } from './generation.js';
import { checkGenerate, checkIds, checkInteger, checkOptions } from './params.js';
import { renderTemplate } from './template.js';

/** @typedef {import('./protocol.js').ModelInfo} ModelInfo */
/** @typedef {import('./protocol.js').Prompt} Prompt */
/** @typedef {import('./protocol.js').Score} Score */
/** @typedef {import('./params.js').GenerateOptions} GenerateOptions */

/** A model in its worker. Made by `Trit.load`. Calls are worked off one after the other. */
export class Model {
    #client;
    #startTemplateWorker;
    /** @type {Readonly<ModelInfo>} */
    info;

    /**
     * @param {import('./client.js').Client} client
     * @param {ModelInfo} info
     * @param {() => import('./client.js').Endpoint} startTemplateWorker
     */
    constructor(client, info, startTemplateWorker) {
        this.#client = client;
        this.#startTemplateWorker = startTemplateWorker;
        this.info = Object.freeze(info);
    }

    /**
     * Goes on where the prompt ends. A text gets the model's BOS in front; ids are taken as they
     * are.
     * @param {string | ArrayLike<number> | {messages: import('./protocol.js').Message[]}} prompt
     * @param {GenerateOptions} [options]
     * @returns {Generation}
     */
    generate(prompt, options = {}) {
        const params = checkGenerate(options);
        const checked = checkPrompt(prompt);
        return new Generation(async (signal, onPiece) => {
            const rendered = await this.#rendered(checked);
            if (signal.aborted)
                return this.#call('generate', [rendered, { ...params, maxTokens: 0 }]).then(
                    asAborted,
                );
            return this.#call('generate', [rendered, params], { signal, onEvent: onPiece });
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
     * @param {{system?: string}} [options]
     * @returns {Chat}
     */
    chat(options = {}) {
        return new Chat(this, checkOptions(options));
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
     * @param {{signal?: AbortSignal, onProgress?: (progress: {phase: 'score', loaded: number, total: number}) => void}} [options]
     * @returns {Promise<Score>}
     */
    async score(text, options = {}) {
        const { signal, onProgress } = checkOptions(options);
        return this.#call('score', [checkText(text)], {
            signal,
            onEvent: ({ loaded, total }) => onProgress?.({ phase: 'score', loaded, total }),
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

    /** Ends the worker and frees all memory. What is still running fails with DISPOSED. */
    close() {
        this.#client.close();
    }

    /**
     * @param {import('./protocol.js').Op} op
     * @param {any[]} args
     * @param {import('./client.js').CallOptions} [options]
     */
    #call(op, args, options) {
        return this.#client.call(op, args, options);
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

/**
 * @param {any} prompt
 * @returns {Prompt}
 */
function checkPrompt(prompt) {
    if (typeof prompt === 'string') return { text: prompt };
    if (Array.isArray(prompt?.messages))
        return { messages: Array.from(prompt.messages, checkMessage) }; // holes are visited too
    return { ids: checkIds(prompt) };
}

/**
 * @param {any} message
 * @returns {import('./protocol.js').Message}
 */
function checkMessage(message) {
    const { role, content } = message ?? {};
    if (!['system', 'user', 'assistant'].includes(role))
        throw new TritError('PARAM', 'the role of a message is not system, user or assistant');
    if (typeof content !== 'string')
        throw new TritError('PARAM', 'the content of a message is not a string');
    return { role, content };
}

/** @param {import('./protocol.js').GenerateResult} result */
const asAborted = (result) => ({ ...result, finish: /** @type {const} */ ('abort') });
