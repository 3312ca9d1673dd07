import { defaults } from './defaults.js';
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
 * @property {boolean} [beside] it is answered while others are under way
 */

/**
 * @typedef {object} Waiting
 * @property {(ok: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {(event: any) => void} [onEvent]
 * @property {boolean} stopping its caller has stopped it
 * @property {boolean} beside
 */

/**
 * The page's side: requests with ids, answers matched to them. An engine that crashes, or does not stop when it
 * is told to, is ended; nothing is asked of it any more.
 */
export class Client {
    #endpoint;
    #lastId = 0;
    /** @type {Map<number, Waiting>} in the order in which they are worked off */
    #waiting = new Map();
    /** @type {TritError | null} */
    #dead = null;
    /** @type {Waiting | undefined} the request under way that is to stop, and the time until it must have */
    #stopping;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #deadline;
    /** Is told of a crash before those who wait are. @type {(error: TritError) => void} */
    onCrash = () => {};

    /** @param {Endpoint} endpoint */
    constructor(endpoint) {
        this.#endpoint = endpoint;
        endpoint.onMessage((message) => this.#take(message));
        endpoint.onFailure((error) => this.crash(error));
    }

    /**
     * @param {import('./protocol.js').Op} op
     * @param {any[]} args
     * @param {CallOptions} [options]
     * @returns {Promise<any>}
     */
    async call(op, args, { signal, onEvent, transfer, beside = false } = {}) {
        if (this.#dead) throw this.#dead;
        throwIfAborted(signal);
        const id = ++this.#lastId;
        const abort = () => this.#stop(id);
        signal?.addEventListener('abort', abort, { once: true });
        try {
            return await new Promise((resolve, reject) => {
                this.#waiting.set(id, { resolve, reject, onEvent, stopping: false, beside });
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
            this.#watch();
        }
    }

    close() {
        this.#die(new TritError('DISPOSED', 'the model is closed'));
    }

    /** @param {unknown} reason */
    crash(reason) {
        if (this.#dead) return;
        const { message } = TritError.from(reason, 'ENGINE_CRASHED');
        const error = new TritError('ENGINE_CRASHED', message, { cause: reason });
        this.onCrash(error);
        this.#die(error);
    }

    /** @param {number} id */
    #stop(id) {
        this.#endpoint.post({ abort: id });
        const waiting = this.#waiting.get(id);
        if (waiting) waiting.stopping = true;
        this.#watch();
    }

    /** Gives the request under way, when it is to stop, its time. Those behind it cannot stop before their turn. */
    #watch() {
        const [first] = [...this.#waiting.values()].filter(({ beside }) => !beside);
        const stopping = first?.stopping ? first : undefined;
        if (stopping === this.#stopping) return;
        clearTimeout(this.#deadline);
        this.#stopping = stopping;
        if (stopping) this.#deadline = setTimeout(() => this.#overdue(stopping), defaults.stopMs);
    }

    /** @param {Waiting} request */
    #overdue(request) {
        request.reject(new TritError('ABORTED', 'the work was stopped by the caller'));
        this.crash(new Error('it did not stop when it was told to'));
    }

    /** @param {any} message */
    #take(message) {
        const { id, ok, error, event } = message ?? {};
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
            this.crash(new TritError(error.code, error.message));
        else if (error) waiting.reject(new TritError(error.code, error.message, error));
        else waiting.resolve(ok);
    }

    /** @param {TritError} error */
    #die(error) {
        if (this.#dead) return;
        this.#dead = error;
        clearTimeout(this.#deadline);
        for (const { reject } of this.#waiting.values()) reject(error);
        this.#endpoint.terminate();
    }
}
