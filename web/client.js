import { TritError, throwIfAborted } from './errors.js';

/**
 * A worker of either kind.
 * @typedef {object} Endpoint
 * @property {(message: any, transfer?: any[]) => void} post
 * @property {(take: (message: any) => void) => void} onMessage
 * @property {(take: (error: unknown) => void) => void} onFailure the worker itself has died
 * @property {() => void} terminate
 * @property {(busy: boolean) => void} [hold] whether waiting for an answer keeps the process alive
 */

/**
 * @typedef {object} CallOptions
 * @property {AbortSignal} [signal]
 * @property {(event: any) => void} [onEvent]
 * @property {any[]} [transfer]
 */

/** The page's side: requests with ids, answers matched to them. */
export class Client {
    #endpoint;
    #lastId = 0;
    /** @type {Map<number, {resolve: Function, reject: Function, onEvent?: (event: any) => void}>} */
    #waiting = new Map();
    /** @type {TritError | null} */
    #dead = null;

    /** @param {Endpoint} endpoint */
    constructor(endpoint) {
        this.#endpoint = endpoint;
        endpoint.onMessage((message) => this.#take(message));
        endpoint.onFailure((error) => this.#die(TritError.from(error, 'ENGINE_CRASHED')));
    }

    /**
     * @param {import('./protocol.js').Op} op
     * @param {any[]} args
     * @param {CallOptions} [options]
     * @returns {Promise<any>}
     */
    async call(op, args, { signal, onEvent, transfer } = {}) {
        if (this.#dead) throw this.#dead;
        throwIfAborted(signal);
        const id = ++this.#lastId;
        const abort = () => this.#endpoint.post({ abort: id });
        signal?.addEventListener('abort', abort, { once: true });
        try {
            return await new Promise((resolve, reject) => {
                this.#waiting.set(id, { resolve, reject, onEvent });
                this.#endpoint.hold?.(true);
                try {
                    this.#endpoint.post({ id, op, args }, transfer);
                } catch (error) {
                    throw TritError.from(error, 'PARAM'); // something that cannot be sent
                }
            });
        } finally {
            signal?.removeEventListener('abort', abort);
            this.#waiting.delete(id);
            if (this.#waiting.size === 0) this.#endpoint.hold?.(false);
        }
    }

    close() {
        this.#die(new TritError('DISPOSED', 'the model is closed'));
    }

    /** @param {any} message */
    #take({ id, ok, error, event }) {
        const waiting = this.#waiting.get(id);
        if (!waiting) return;
        if (event !== undefined) {
            try {
                waiting.onEvent?.(event);
            } catch (thrown) {
                // the caller's own function failed: nobody wants the rest
                this.#endpoint.post({ abort: id });
                waiting.reject(thrown);
            }
        } else if (error?.code === 'ENGINE_CRASHED')
            this.#die(new TritError(error.code, error.message));
        else if (error) waiting.reject(new TritError(error.code, error.message));
        else waiting.resolve(ok);
    }

    /** @param {TritError} error */
    #die(error) {
        if (this.#dead) return;
        this.#dead = error;
        for (const { reject } of this.#waiting.values()) reject(error);
        this.#endpoint.terminate();
    }
}
