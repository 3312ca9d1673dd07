import { TritError } from './errors.js';
import { Generation } from './generation.js';
import { checkGenerate, checkMessages, checkOptions } from './params.js';
import { SHARED } from './protocol.js';

/** @typedef {import('./protocol.js').Message} Message */

/**
 * What a conversation asks of its model.
 * @typedef {object} ChatEngine
 * @property {(prompt: {messages: Message[]}, options: import('./params.js').GenerateOptions, context: number) => Generation} generate
 * @property {(prompt: {messages: Message[]}, options: {signal?: AbortSignal}, context: number) => Promise<Uint8Array>} save
 * @property {() => number} newContext
 * @property {(context: number) => Promise<void>} dropContext
 */

/** A conversation. The engine keeps what it has computed, so each turn costs only what is new. */
export class Chat {
    #engine;
    #context;
    /** @type {Message[]} */
    #history;
    #busy = false;
    #closed = false;

    /**
     * @param {ChatEngine} engine
     * @param {{system?: string, history?: Message[]}} options
     * @param {number} [context]
     */
    constructor(engine, { system, history }, context = SHARED) {
        this.#engine = engine;
        this.#context = context;
        if (system !== undefined && history !== undefined)
            throw new TritError('PARAM', 'system and history: the history has the system message');
        this.#history = history === undefined ? [] : checkMessages(history);
        if (system !== undefined)
            this.#history.push({ role: 'system', content: checkText(system) });
    }

    /** @returns {Message[]} a copy */
    get history() {
        return this.#history.map((message) => ({ ...message }));
    }

    /**
     * Asks, and remembers question and answer; of an answer that was stopped, what there is. A turn
     * that fails leaves the history as it was.
     * @param {string} text
     * @param {import('./params.js').GenerateOptions} [options]
     * @returns {Generation}
     */
    send(text, options = {}) {
        /** @type {Message} */
        const question = { role: 'user', content: checkText(text) };
        checkGenerate(options);
        this.#checkFree();
        this.#busy = true;
        return new Generation(async (signal, onPiece) => {
            try {
                const messages = [...this.#history, question];
                const own = { ...options, signal };
                const answer = this.#engine.generate({ messages }, own, this.#context);
                for await (const piece of answer) onPiece(piece);
                const result = await answer.result;
                this.#history.push(question, { role: 'assistant', content: result.text });
                return result;
            } finally {
                this.#busy = false;
            }
        }, options.signal);
    }

    /**
     * A second conversation that has the same history and goes its own way, in the same worker. What was said so
     * far is not computed again, and nothing when the two take turns: what the one that waits has computed is
     * kept, as many bytes as `saveSession` gives, until it is closed.
     * @returns {Chat}
     */
    fork() {
        this.#checkFree();
        const { history } = this;
        return new Chat(this.#engine, { history }, this.#engine.newContext());
    }

    /**
     * What was said so far as `Model.saveSession` gives it. The messages are not in it: keep `history` as well.
     * @param {{signal?: AbortSignal}} [options]
     * @returns {Promise<Uint8Array>}
     */
    async saveSession(options = {}) {
        checkOptions(options);
        this.#checkFree();
        return this.#engine.save({ messages: this.history }, options, this.#context);
    }

    /** Ends the conversation, and frees what is kept of a fork. */
    close() {
        if (this.#closed) return;
        this.#closed = true;
        // a model that is closed already has nothing to free
        if (this.#context !== SHARED) this.#engine.dropContext(this.#context).catch(() => {});
    }

    #checkFree() {
        if (this.#closed) throw new TritError('DISPOSED', 'the chat is closed');
        if (this.#busy) throw new TritError('STATE', 'the last answer is not finished');
    }
}

/**
 * @param {unknown} text
 * @returns {string}
 */
function checkText(text) {
    if (typeof text === 'string') return text;
    throw new TritError('PARAM', 'the message is not a string');
}
